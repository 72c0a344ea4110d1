"""`main.py run`: the shop in production, from the environment to the drain."""

from __future__ import annotations

import os
import sys
from functools import partial

import structlog
import trio

from adapters.http.listening import CannotListen, ensure_free
from adapters.telegram.route import NoWay
from config.identity import IDENTITY
from config.logging import configure_logging
from config.process import (
    DONE,
    REFUSED,
    Life,
    keep_what_is_up,
    share_the_interpreter,
    until_signalled,
    verdict,
)
from config.products import products_on_sale
from config.rails import is_live
from config.relay import check_relay
from config.settings import Settings, SettingsError, load_settings, slips
from config.whereabouts import ENV_FILE
from config.wiring import bind_of, running_shop
from runtime import SupervisionError

log = structlog.get_logger("factorage")


def run() -> int:
    """Run it until a signal; answer the exit status (`commands.RUN`)."""
    try:
        settings = load_settings(os.environ, env_file=ENV_FILE if ENV_FILE.exists() else None)
        check(settings)
    except SettingsError as error:
        return _refuse(str(error))
    except OSError as error:
        return _refuse(f"{ENV_FILE.absolute()} cannot be read: {error}")
    configure_logging(settings.log_format, secrets=settings.secrets())
    for name, meant in slips(ENV_FILE).items():
        log.warning("setting.unknown", name=name, file=str(ENV_FILE), meant=meant)
    return trio.run(_run, settings)


async def _run(settings: Settings) -> int:
    try:
        await until_signalled(partial(_serve, settings))
    except (CannotListen, SupervisionError) as failure:
        status, reason = verdict(failure)
        sys.stderr.write(f"{reason}\n")
        return status
    except SettingsError as error:  # the file of products has changed since it was looked at
        return _refuse(str(error))
    except NoWay as failure:
        return _refuse(f"HTTPS_PROXY or ALL_PROXY: {failure}")
    return DONE


def check(settings: Settings) -> None:
    """Look at all that the settings mean together and name, before anything is opened.

    Raises `SettingsError`, which names every fault of the products, the keys and the relay.
    """
    faults: list[str] = []
    for look in (products_on_sale, is_live, check_relay):
        try:
            look(settings)
        except SettingsError as error:
            faults.append(str(error))
    if faults:
        raise SettingsError("\n".join(faults))


async def _serve(settings: Settings, life: Life) -> None:
    bind = bind_of(settings)
    if bind.port:
        await ensure_free(bind)
    async with running_shop(settings) as shop:
        with life.serving():
            keep_what_is_up()
            share_the_interpreter()
            log.info("factorage.up", url=await shop.url(), version=IDENTITY.version)
            await trio.sleep_forever()
    log.info("factorage.down", fates=str(shop.system.fates()))


def _refuse(reason: str) -> int:
    sys.stderr.write(f"{reason}\n")
    return REFUSED
