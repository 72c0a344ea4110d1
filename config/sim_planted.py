"""`main.py sim planted`: are the bugs that were planted on purpose found, and nothing else?"""

from __future__ import annotations

import sys
from contextlib import closing
from functools import partial

from config.process import DONE, FAILED, INTERRUPTED
from config.sim_log import mute
from config.sim_view import print_json
from runtime.testing.planted.hunt import Hunt, Hunted, hunt
from runtime.testing.planted.table import BUGS
from runtime.testing.processes import WorkerDiedError, in_processes


def hunt_planted(*, seeds: int, jobs: int, as_json: bool) -> int:
    """Hunt every planted bug with every scheduler, print the table, answer the exit status."""
    by_name = {bug.name: place for place, bug in enumerate(BUGS)}
    work = partial(_hunt, seeds=seeds)
    done: list[Hunted] = []
    status = DONE
    with closing(in_processes(work, by_name, jobs=min(jobs, len(BUGS)), warm_up=mute)) as arriving:
        try:
            for hunted in arriving:
                done.append(hunted)
                sys.stderr.write(f"{len(done)} of {len(BUGS)}: {hunted.bug}\n")
        except KeyboardInterrupt:
            status = INTERRUPTED
        except WorkerDiedError as error:
            sys.stderr.write(f"{error}\n")
            status = FAILED
    found = Hunt(tuple(sorted(done, key=lambda hunted: by_name[hunted.bug])))
    if as_json:
        print_json(found.as_json())
    else:
        sys.stdout.write(_table(found))
    return status or (FAILED if found.missed else DONE)


def _hunt(name: str, *, seeds: int) -> Hunted:
    [bug] = (bug for bug in BUGS if bug.name == name)
    return hunt(bug, seeds=seeds)


def _table(found: Hunt) -> str:
    lines = [line for hunted in found.bugs for line in _lines(hunted)]
    missed = f", missed: {', '.join(found.missed)}" if found.missed else ""
    lines.append(f"{len(found.bugs) - len(found.missed)} of {len(found.bugs)} found{missed}")
    return "\n".join(lines) + "\n"


def _lines(hunted: Hunted) -> list[str]:
    verdict = "MISSED" if not hunted.found else "found" if hunted.sound else "FALSE"
    hits = [f"{name} {each.hits}/{each.seeds}" for name, each in hunted.by.items()]
    lines = [f"{verdict:6} {hunted.bug}: {hunted.what}", f"       {', '.join(hits)}"]
    for name, each in hunted.by.items():
        if each.cried_wolf:
            lines.append(
                f"       its sound twin fails: {name}, {', '.join(map(str, each.cried_wolf))}"
            )
        if not each.repeated:
            lines.append(f"       not repeatable: {name}")
    if not any(each.endangered for each in hunted.by.values()):
        lines.append("       its sound twin was never in danger: that proves nothing")
    return lines
