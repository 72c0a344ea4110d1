"""Every message out to Telegram."""
