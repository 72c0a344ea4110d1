"""Orders, payments and the ledger: what is sold, what was paid for it, and where the money is."""

from __future__ import annotations
