"""Stripe: webhooks proved and explained, checkouts opened, over its v1 API by httpx."""
