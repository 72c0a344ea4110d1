"""What this program is called by those who watch it."""

from __future__ import annotations

from actors.operations.model import Identity

IDENTITY = Identity(service_id="factorage", version="0.1.0", release_id="0.1.0")
