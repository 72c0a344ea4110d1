"""What the system is doing, for those who watch."""
