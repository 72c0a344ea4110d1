"""Broadcasts: one text for many people, and what became of it for each of them."""
