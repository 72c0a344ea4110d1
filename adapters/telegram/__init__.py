"""Telegram's Bot API: python-telegram-bot's `Bot` and types, carried by httpx under trio.

`bot` is the connection, `updates` implements `gateway.ports.Updates`, `messenger` implements
`broadcast.ports.Messenger`. `telegram.ext` is asyncio and not used.
"""
