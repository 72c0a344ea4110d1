"""Updates in: stored, deduplicated, routed to the chat they concern."""
