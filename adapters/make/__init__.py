"""Make.com's custom webhooks, and any HTTPS endpoint that stands in for one."""
