"""NocoDB as the record table: who registered, and who has paid (data API v2)."""
