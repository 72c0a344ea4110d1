"""YooKassa: payments on its hosted page, and the unsigned notifications that are read again."""
