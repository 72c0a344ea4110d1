"""What goes wrong around a market besides what does around every shop: providers, webhooks.

Kinds that keep Telegram, the bot or its database away are `hindering`: whoever presses Pay
meanwhile, or soon after, may wait in vain.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import wraps
from random import Random

import trio

from actors.kernel.charges import Rail
from config.scenarios import weather
from config.scenarios.market import Market
from config.scenarios.shop import BOT

MarketWeather = Callable[[Market, Random], Awaitable[None]]

HOSTS = tuple(rail.value for rail in (Rail.STRIPE, Rail.YOOKASSA, Rail.NOWPAYMENTS))
EVENTS_MAX = 12
"""How many webhooks something may happen to at once: those of two or three payments."""
NEW_PAYMENT_SECONDS = 300.0
"""So long a death waits for a payment."""
GRANTED_SECONDS = 0.3
"""By then what was paid for in calm weather has usually been granted."""


async def a_provider_is_cut_off(market: Market, luck: Random) -> None:
    """Neither checkouts nor webhooks get through, or only one way."""
    market.sim.sometimes("a provider cut off")
    host = luck.choice(HOSTS)
    market.sim.network.cut(BOT, host, one_way=luck.choice((True, False)))
    await trio.sleep(luck.uniform(1, 300))
    market.sim.network.heal(BOT, host)


async def a_provider_stumbles(market: Market, luck: Random) -> None:
    """Its API fails, hangs, or does the work and hangs up."""
    market.sim.sometimes("a provider stumbled")
    provider = luck.choice((market.stripe, market.yookassa, market.nowpayments))
    sandbox, times = provider.sandbox, luck.randrange(1, 5)
    match luck.randrange(4):
        case 0:
            sandbox.fail_next(times, 500)
        case 1:
            sandbox.fail_next(times, 429)
        case 2:
            sandbox.hang_next(times, luck.uniform(1, 40))
        case _:
            sandbox.drop_next(times)
    await trio.lowlevel.checkpoint()


async def yookassa_does_not_say(market: Market, luck: Random) -> None:
    """It answers that it is not done yet, or does it and answers 500."""
    market.sim.sometimes("YooKassa did not say")
    sandbox, times = market.yookassa.sandbox, luck.randrange(1, 5)
    (sandbox.processing_next if luck.random() < 1 / 2 else sandbox.forget_next)(times)
    await trio.lowlevel.checkpoint()


async def webhooks_stray(market: Market, luck: Random) -> None:
    """They come twice, late, in another order, or not at first; or their answers do not."""
    market.sim.sometimes("webhooks strayed")
    deliveries, times = luck.choice(market.deliveries), luck.randrange(1, EVENTS_MAX)
    match luck.randrange(5):
        case 0:
            deliveries.duplicate_next(times, copies=luck.randrange(2, 4))
        case 1:
            for _ in range(times):
                deliveries.delay_next(1, seconds=luck.uniform(0, 120))
        case 2:
            deliveries.reorder_next(times)
            await trio.sleep(luck.uniform(5, 120))
            deliveries.release()
        case 3:
            deliveries.lose_next(times)
        case _:
            deliveries.lose_answers_next(times)
    await trio.lowlevel.checkpoint()


async def the_bot_dies_at_a_payment(market: Market, luck: Random) -> None:
    """Kill -9 when somebody has paid: before a webhook comes, or before the goods are sent."""
    with trio.move_on_after(NEW_PAYMENT_SECONDS):
        await market.payment.wait()
        await trio.sleep(luck.random() * GRANTED_SECONDS)
        if market.stored_ungranted():
            market.sim.sometimes("killed between webhook and grant")
        market.bot.crash()


async def a_purchase_fails(market: Market, luck: Random) -> None:
    """A defect strikes what has to do with money, once."""
    paths = ("root/webhooks/processor", "root/webhooks/ingress", "root/reconciler", "root/tracker")
    delivery = ("root/delivery/order-alarms", "root/delivery/dispatcher", "root/delivery/notices")
    others = ("root/pre-checkout", "root/gateway", *delivery)
    weather.strike(market, luck.choice((*paths, *others)))
    await trio.lowlevel.checkpoint()


def hindering(kind: MarketWeather) -> MarketWeather:
    """The same, while nobody can expect to be answered."""

    @wraps(kind)
    async def happens(market: Market, luck: Random) -> None:
        with market.hindrance():
            await kind(market, luck)

    return happens


EVERYTHING: tuple[MarketWeather, ...] = (
    a_provider_is_cut_off,
    a_provider_stumbles,
    yookassa_does_not_say,
    webhooks_stray,
    webhooks_stray,
    webhooks_stray,
    a_purchase_fails,
    weather.telegram_floods,
    *map(
        hindering,
        (
            the_bot_dies_at_a_payment,
            weather.telegram_stumbles,
            weather.telegram_is_broken,
            weather.telegram_is_cut_off,
            weather.database_is_away,
            weather.database_is_slow,
            weather.the_bot_dies,
            weather.the_bot_is_restarted,
        ),
    ),
)
"""What can happen."""
