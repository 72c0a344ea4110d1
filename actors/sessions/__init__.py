"""The conversation of one chat."""
