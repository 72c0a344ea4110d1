"""What providers tell us: verified, stored, acknowledged, processed, parked, replayed."""

from __future__ import annotations
