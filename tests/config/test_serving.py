"""A shop that runs: an outside world that does not do its part, and the end of the process."""

from __future__ import annotations

import shutil
import signal
from pathlib import Path

import psycopg
import pytest

from adapters.postgres.embedded import EmbeddedServer
from config.serving import check
from config.settings import SettingsError, load_settings
from tests.config.program import (
    answers,
    ended,
    get,
    outside,
    running,
    started,
)
from tests.config.test_settings import REQUIRED
from tests.fixtures.postgres import Postgres, reachable_folder

SHUTDOWN_SECONDS = 10.0


WAITING = """
    insert into user_session (
        chat_id, state, language, name, contact, record_id, choosing_language, step, attempts,
        blocked, view_version, shown_version, renew, contact_keyboard
    )
    values (
        7, 'awaiting_payment', 'en', 'Ada', '+447911123456', 1, false, 1, 0,
        false, 1, 1, false, false
    )
"""


# What the settings name


def test_everything_that_the_settings_name_is_looked_at_together(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as refused:
        check(load_settings(REQUIRED | faulty(tmp_path)))

    told = str(refused.value).splitlines()
    assert told[0] == "PRODUCTS_FILE has faults:"
    assert told[1].startswith("  product 1: the price in USD")
    assert told[2].startswith("these keys are live: STRIPE_SECRET_KEY; these are for tests: YOOK")
    assert told[3].startswith("MAKE_WEBHOOK_URL: ")
    assert len(told) == 4
    check(load_settings(REQUIRED))


@pytest.mark.process
async def test_what_the_settings_name_is_refused_in_sentences_and_not_tried_again(
    tmp_path: Path,
) -> None:
    status, out, err = await ended("run", folder=tmp_path, environment=REQUIRED | faulty(tmp_path))

    assert (status, out) == (2, "")
    assert err.startswith("PRODUCTS_FILE has faults:")
    assert len(err.splitlines()) == 4


def faulty(folder: Path) -> dict[str, str]:
    """A fault in the products, keys of both modes, and a relay by plain http."""
    file = folder / "products.toml"
    file.write_text(
        '[[product]]\nid = "a"\ntitle = "a"\ndescription = "a"\ngoods = "a"\n'
        'prices = { USD = "4,99" }\n'
    )
    return {
        "PRODUCTS_FILE": str(file),
        "STRIPE_SECRET_KEY": "sk_live_1",
        "STRIPE_WEBHOOK_SECRET": "whsec_1234",
        "YOOKASSA_SHOP_ID": "1",
        "YOOKASSA_SECRET_KEY": "test_x",
        "MAKE_WEBHOOK_URL": "http://hook.make.test/x",
    }


# An outside world that does not do its part


@pytest.mark.process
async def test_with_a_wrong_token_it_stays_up_and_says_what_to_do(
    database_url: str, tmp_path: Path
) -> None:
    wrong = "4200000042:AAwrong-wrong-wrong-wrong-wrong-wrong-x"
    settings = {"BOT_TOKEN": wrong, "DATABASE_URL": database_url}
    async with outside() as world, running(world, tmp_path, **settings) as (program, url):
        await program.says("BOT_TOKEN", within=10)

        status, out, _ = await ended("health", "--url", url, folder=tmp_path)

        assert status in {1, 2}
        assert "BOT_TOKEN" in out
        assert wrong not in program.output
        assert program.process.returncode is None


@pytest.mark.process
async def test_without_nocodb_it_stays_up_and_says_so(database_url: str, tmp_path: Path) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute(WAITING)
    settings = {"NOCODB_URL": "http://127.0.0.1:9", "DATABASE_URL": database_url}
    async with outside() as world, running(world, tmp_path, **settings) as (program, url):
        await program.says('"tracker')

        status, out, _ = await ended("health", "--url", url, folder=tmp_path)

        assert status == 1
        assert "NocoDB" in out
        assert (await get(f"{url}/readyz")).status_code == 200


@pytest.mark.process
async def test_it_waits_visibly_for_its_database_and_comes_up_with_it(tmp_path: Path) -> None:
    folder = reachable_folder()
    server = EmbeddedServer(folder / "postgres")
    try:
        await server.start()
        socket = server.cluster.socket
        await server.stop()
        database_url = f"postgresql://postgres@/postgres?host={socket}&port=5432"
        async with outside() as world:
            environment = world.environment(DATABASE_URL=database_url)
            async with started("run", folder=tmp_path, environment=environment) as program:
                url = await program.url()
                await answers(f"{url}/readyz", 503)
                assert (await get(f"{url}/livez")).status_code == 200
                status, out, _ = await ended("health", "--url", url, folder=tmp_path)
                assert status in {1, 2}
                assert "root/store/writer" in out

                await server.start()
                await answers(f"{url}/readyz", 200, within=40)
                world.telegram.user(7).commands("/start")
                await world.telegram.user(7).sees("Which language", within=40)
    finally:
        await server.stop()
        shutil.rmtree(folder)


# The end


@pytest.mark.process
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_drains_within_the_deadline(
    number: signal.Signals, database_url: str, postgres: Postgres, tmp_path: Path
) -> None:
    async with outside() as world, running(world, tmp_path, DATABASE_URL=database_url) as (p, _):
        for chat_id in range(1, 41):
            world.telegram.user(chat_id, language_code="en").commands("/start")
        await world.telegram.user(1).sees("Which language")

        p.send(number)
        status = await p.exit_status(within=SHUTDOWN_SECONDS + 5)

        assert status == 0, p.output
        assert "factorage.down" in p.output
        kept = len(world.telegram.world.updates)
    with psycopg.connect(database_url) as connection:
        stored = connection.execute("select count(*) from telegram_update").fetchone()
    assert stored is not None
    assert stored[0] + kept >= 40  # what is confirmed is stored; stored may not be confirmed yet


@pytest.mark.process
async def test_a_second_signal_ends_it_at_once(database_url: str, tmp_path: Path) -> None:
    async with outside() as world:
        world.telegram.hang_next(100, 30.0, method="sendmessage")  # letters that outstay a drain
        async with running(world, tmp_path, DATABASE_URL=database_url) as (program, _):
            for chat_id in range(1, 5):
                world.telegram.user(chat_id).commands("/start")
            await program.says("session.moved")
            program.send(signal.SIGTERM)
            await program.says("process.draining")

            program.send(signal.SIGTERM)

            assert await program.exit_status(within=2) == 128 + signal.SIGTERM


@pytest.mark.process
async def test_a_signal_during_the_start_ends_it_and_its_server(
    folder: Path, tmp_path: Path
) -> None:
    async with outside() as world:
        environment = world.environment(DATA_DIR=str(folder))
        async with started("run", folder=tmp_path, environment=environment) as program:
            await program.url()  # the database is still being made

            program.send(signal.SIGTERM)

            assert await program.exit_status() == 0, program.output
            assert "Traceback" not in program.output
    assert not (folder / "postgres/cluster/postmaster.pid").exists()
