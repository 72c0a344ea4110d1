"""The outside world on loopback: real HTTP, simulated servers; only `demo` and tests start it.

`server`           HTTP/1.1 on trio for one app: `async with serve(app) as url`
`telegram`         a Bot API server, and the people who talk to the bot
`nocodb`           NocoDB's v2 data API over one table
`stripe`           Stripe's checkout, and its signed webhooks
`yookassa`         YooKassa's payments and refunds, and its notifications
`nowpayments`      invoices in coins, their payers, and the IPN
`make`             Make's custom webhooks, and what a scenario answers
`deliveries`       webhooks on their way: repeated, lost, late, in any order
`faults`           what can be made to go wrong: fail, hang, drop
`control`          the same from another process: `serve(telegram_control.controlled(telegram))`

Each server is one plain object that owns its whole state: two of them live side by side, and
each answers a `Request` without any socket too. Their behaviour is the specification of the
outside world for the rest of the project; the facts come from core.telegram.org/bots/api, from
the open Bot API server's source (tdlib/telegram-bot-api), and from measurements of real NocoDB
servers.
"""
