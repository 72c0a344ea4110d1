"""An operator who looks at the bot's health over the network, every few minutes."""

from __future__ import annotations

from dataclasses import dataclass

import httpx
import trio

from actors.operations.document import HealthDocument, read_document
from config.scenarios.shop import BOT, OPERATOR_TOKEN, PORT, SimulatedShop
from runtime.testing.simulation import PropertyError

ANSWER_SECONDS = 10.0
"""A bot that is up answers within this time, whatever else is broken."""
LOOK_SECONDS = 180.0
UP_SECONDS = 5.0
"""A bot that was started so long ago listens."""
OK, UNAVAILABLE = 200, 503
URL = f"http://{BOT}:{PORT}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """What the bot says of itself."""

    ready: bool
    document: HealthDocument


async def health() -> Health:
    """Ask `/readyz` and `/health`. Raises `PropertyError` for an answer that is none."""
    async with httpx.AsyncClient(
        base_url=URL,
        headers={"authorization": f"Bearer {OPERATOR_TOKEN}"},
        timeout=ANSWER_SECONDS,
        verify=False,  # noqa: S501 - there is no TLS in this world, and certificates take time
        trust_env=False,
    ) as client:
        readiness = await client.get("/readyz")
        answer = await client.get("/health")
    if readiness.status_code not in {OK, UNAVAILABLE}:
        raise PropertyError(f"/readyz answered {readiness.status_code} {readiness.text}")
    document = read_document(answer.content)
    expected = UNAVAILABLE if document["status"] == "fail" else OK
    if answer.status_code != expected:
        raise PropertyError(f"/health answered {answer.status_code} for {document['status']}")
    if document["status"] != "pass" and not document["output"]:
        raise PropertyError(f"/health does not say why it is {document['status']}")
    return Health(ready=readiness.status_code == OK, document=document)


async def watch_health(shop: SimulatedShop, *, every_seconds: float = LOOK_SECONDS) -> None:
    """Look for ever; a bot that is up must answer, and may be unwell only in bad weather."""
    luck = shop.sim.luck("operator")
    while True:
        await trio.sleep(luck.uniform(0.5, 1.5) * every_seconds)
        starts, since = shop.starts, trio.current_time()
        try:
            seen = await health()
        except httpx.HTTPError as error:
            if shop.stalled_at >= since:
                continue
            await _check_that_it_was_down(shop, starts, error)
            continue
        shop.sim.sometimes(f"health: {seen.document['status']}")


async def _check_that_it_was_down(shop: SimulatedShop, starts: int, error: httpx.HTTPError) -> None:
    """It did not answer: so it was just stopping, dying or starting."""
    if starts == shop.starts and trio.current_time() - shop.started_at > UP_SECONDS:
        await trio.sleep(ANSWER_SECONDS)  # it may be about to stop, or lie dead already
        if starts == shop.starts:
            raise PropertyError(f"a bot that is up does not answer: {error!r}") from error
