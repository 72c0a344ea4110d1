"""HTTP APIs of others: what all of our clients do alike."""
