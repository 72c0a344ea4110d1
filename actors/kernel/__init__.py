"""Words that every subject shares."""
