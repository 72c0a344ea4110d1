"""PostgreSQL: an embedded server, migrations, the batching writer, and every subject's store."""
