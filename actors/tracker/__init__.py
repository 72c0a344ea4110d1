"""Who waits for which payment, and the one that asks."""
