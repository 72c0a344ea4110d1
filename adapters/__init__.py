"""The outside world: one folder per technology, implementing the actors' ports."""
