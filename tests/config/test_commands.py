"""What people type: exit statuses, refusals that say what to do, and a health that is told."""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path

import pytest
import trio

from config.commands import main
from tests.config.program import (
    MAIN,
    ended,
    get,
    outside,
    running,
    surroundings,
)

REQUIRED = ("BOT_TOKEN", "NOCODB_URL", "NOCODB_TOKEN", "NOCODB_TABLE_ID")


# What is typed wrongly


@pytest.mark.parametrize(
    "arguments",
    [["sell"], ["run", "now"], ["demo", "--fast"], ["demo", "--exit=3"], ["health", "--url"]],
)
def test_what_is_no_command_is_refused_with_the_usage(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2

    said = capsys.readouterr()
    assert said.out == ""
    assert "Usage: main.py run | demo | health" in said.err


@pytest.mark.parametrize("arguments", [["--help"], ["run", "--help"], ["demo", "-h"], []])
def test_help_is_data(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 0

    said = capsys.readouterr()
    assert "Usage: main.py" in said.out
    assert "default: False" not in said.out
    assert said.err == ""


def test_the_version_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == "0.1.0\n"


@pytest.mark.process
async def test_a_reader_that_went_away_ends_it_quietly(tmp_path: Path) -> None:
    program = f"{sys.executable} {MAIN} health --json --url http://127.0.0.1:9 2>err"
    shell = f"(sleep 0.1; {program}; echo $? >status) | true"

    await trio.run_process(["sh", "-c", shell], cwd=tmp_path, env=surroundings())

    assert (tmp_path / "status").read_text() == f"{128 + signal.SIGPIPE}\n"
    assert (tmp_path / "err").read_text() == ""


# Settings


@pytest.mark.process
async def test_without_settings_every_missing_one_is_named(tmp_path: Path) -> None:
    status, out, err = await ended("run", folder=tmp_path)

    assert status == 2
    assert out == ""
    assert all(f"{name} " in err for name in REQUIRED)
    assert err.startswith(f"{len(REQUIRED)} settings are missing or malformed")


@pytest.mark.process
async def test_missing_and_malformed_settings_are_named_together(tmp_path: Path) -> None:
    told = {"BOT_TOKEN": "canary", "HTTP_BIND": "here", "NOCODB_URL": "ftp://x"}

    status, _, err = await ended("run", folder=tmp_path, environment=told)

    assert status == 2
    assert [line.split()[0] for line in err.splitlines()[1:]] == [
        "BOT_TOKEN", "HTTP_BIND", "NOCODB_URL", "NOCODB_TOKEN", "NOCODB_TABLE_ID",
    ]  # fmt: skip
    assert "canary" not in err


@pytest.mark.process
async def test_a_folder_named_env_is_no_settings(tmp_path: Path) -> None:
    (tmp_path / ".env").mkdir()

    status, _, err = await ended("run", folder=tmp_path)

    assert status == 2
    assert "Traceback" not in err


@pytest.mark.process
async def test_a_settings_file_of_garbage_is_refused(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"\x80\xff\x00\n=\n")

    status, _, err = await ended("run", folder=tmp_path)

    assert status == 2
    assert err == ".env is not a text in UTF-8\n"


# A machine that does not allow it


@pytest.mark.process
async def test_a_taken_port_is_refused(tmp_path: Path) -> None:
    listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
    port = listeners[0].socket.getsockname()[1]
    async with outside() as world, listeners[0]:
        environment = world.environment(HTTP_BIND=f"127.0.0.1:{port}")

        status, _, err = await ended("run", folder=tmp_path, environment=environment)

    assert status == 2
    assert f"cannot listen on 127.0.0.1:{port}: address already in use" in err
    assert "HTTP_BIND" in err


@pytest.mark.process
async def test_a_proxy_that_cannot_be_used_is_refused(tmp_path: Path) -> None:
    async with outside() as world:
        environment = world.environment(
            TELEGRAM_API_URL="https://api.telegram.org", HTTPS_PROXY="socks5://ann:canary@p:1"
        )

        status, _, err = await ended("run", folder=tmp_path, environment=environment)

    assert status == 2
    assert err.endswith("a proxy of the kind 'socks5' cannot be used\n")
    assert "Traceback" not in err
    assert "canary" not in err


@pytest.mark.process
async def test_a_second_shop_on_one_database_is_refused(database_url: str, tmp_path: Path) -> None:
    async with outside() as world, running(world, tmp_path, DATABASE_URL=database_url) as (_, url):
        environment = world.environment(DATABASE_URL=database_url)

        status, _, err = await ended("run", folder=tmp_path, environment=environment)

        assert status == 2
        assert "another factorage process writes to this database" in err.splitlines()[-1]
        assert {json.loads(line)["level"] for line in err.splitlines()[:-1]} <= {"info"}
        assert (await get(f"{url}/readyz")).status_code == 200


@pytest.mark.process
async def test_a_second_shop_in_one_folder_is_refused(folder: Path, tmp_path: Path) -> None:
    async with outside() as world, running(world, tmp_path, DATA_DIR=str(folder)) as (_, url):
        environment = world.environment(DATA_DIR=str(folder))

        status, _, err = await ended("run", folder=tmp_path, environment=environment)

        assert status == 2
        assert "another process runs on" in err.splitlines()[-1]
        assert {json.loads(line)["level"] for line in err.splitlines()[:-1]} <= {"info"}
        assert (await get(f"{url}/readyz")).status_code == 200


# Health


@pytest.mark.process
async def test_health_of_a_running_shop_passes(database_url: str, tmp_path: Path) -> None:
    async with outside() as world, running(world, tmp_path, DATABASE_URL=database_url) as (_, url):
        for _ in range(50):
            status, out, err = await ended("health", "--json", "--url", url, folder=tmp_path)
            if status == 0:
                break
        assert (status, err) == (0, "")
        assert json.loads(out)["status"] == "pass"


@pytest.mark.process
async def test_health_of_nobody_is_unreachable(tmp_path: Path) -> None:
    status, out, _ = await ended("health", "--url", "http://127.0.0.1:9", folder=tmp_path)

    assert status == 3
    assert "is the system running there?" in out
