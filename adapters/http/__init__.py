"""One HTTP port: health, metrics, and whatever routes the other subjects add."""
