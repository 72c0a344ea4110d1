"""What a user writes, collected until he has finished."""
