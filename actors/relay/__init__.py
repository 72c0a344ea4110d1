"""What users write and pay goes out to a webhook, and what it answers comes back to them."""
