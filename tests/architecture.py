"""The house rules that no linter knows, as pure functions: source in, faults out.

`tests/test_architecture.py` runs them over the tree, and over small bad examples first: a
check that cannot fail is worth nothing. Import contracts live in pyproject.toml.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("runtime", "actors", "adapters", "config")
OURS = frozenset({*PACKAGES, "tests", "main"})

FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 60

LIBRARIES: Mapping[str, frozenset[str]] = {
    folder: frozenset(names.split())
    for folder, names in {
        "runtime": "trio pykka structlog outcome",
        "runtime/testing/pytest_plugin.py": "pytest trio",
        "runtime/testing/stateful.py": "hypothesis trio outcome",
        "actors": "msgspec",
        "adapters/memory": "trio",
        "adapters/postgres": "psycopg trio pykka structlog",
        "adapters/telegram": "telegram h11 certifi trio structlog msgspec",
        "adapters/nocodb": "httpx trio structlog msgspec",
        "adapters/stripe": "httpx trio structlog msgspec",
        "adapters/nowpayments": "httpx trio msgspec",
        "adapters/yookassa": "httpx trio msgspec",
        "adapters/make": "trio",
        "adapters/web": "httpx trio",
        "adapters/http": "h11 wsproto starlette prometheus_client trio structlog msgspec",
        "adapters/sandbox": "h11 trio structlog",
        "config": "trio structlog pydantic pydantic_settings cyclopts rich httpx",
        "main.py": "trio cyclopts",
    }.items()
}
"""Which installed library may be imported where; the longest matching folder decides."""

MAIN_MAY_IMPORT = frozenset({"config", "trio", "cyclopts"})

BROAD_EXCEPT_FILES = frozenset({"runtime/workers.py"})
"""Where any failure at all is caught: the loop that turns it into a supervisor's business."""

WORLD_FILES = frozenset(
    {"runtime/world.py", "runtime/testing/fence.py", "runtime/testing/twice.py"}
)
"""Where time and chance come from; everybody else in runtime/ and actors/ asks these."""

OUTSIDE_WORLD = re.compile(
    r"datetime\.(datetime|date)\.(now|utcnow|today)|time\.(time|time_ns|localtime|sleep)"
    r"|uuid\.uuid[1-8]|random\.(?!Random$)\w+|secrets\.\w+|os\.(environ|environb|getenv|urandom)"
)

OUTSIDE_MODULES = re.compile(r"(datetime|time|uuid|random|secrets|os)\b")
"""Without one of these a file has nothing of it."""

FAKES = re.compile(r"(unittest\.)?mock(\..+)?|pytest_mock(\..+)?|trio\.testing\.MockClock")
"""What changes the subject under test, or its time, behind its back."""

PATCHERS = frozenset({"monkeypatch", "mocker"})
"""The fixtures that do."""

OUTSIDE_MARKS = re.compile(r"mark\.(real_clock|process|postgres)\b")
"""A test with one of these runs in real time."""

SLEEPING_FILES = frozenset(
    {
        "tests/runtime/testing/errands.py",  # run in processes that have to be killed
        "tests/runtime/testing/test_fence.py",  # tries that a simulation refuses it
    }
)
"""Where `time.sleep` stands without such a mark."""

HEADINGS = ("Receives", "Tells", "Owns", "Restarts")

NOT_IN_A_REPOSITORY = re.compile(
    r"pypi[.](?:org|python[.]org)|pythonhosted[.]org"
    r"|--(?:extra-)?index[-]url|--find[-]links|--trusted[-]host"
    r"|(?<![\w.:/])/(?:root|home|Users|work|mnt)/\w"  # a folder of somebody's machine
)


@dataclass(frozen=True)
class Source:
    """One Python file: `path` is relative to the root, with forward slashes."""

    path: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, self.path)

    @cached_property
    def nodes(self) -> list[ast.AST]:
        """All of the tree, walked once, however many rules look at it; faster than `ast.walk`."""
        nodes: list[ast.AST] = [self.tree]
        for node in nodes:
            for value in vars(node).values():
                if isinstance(value, ast.AST):
                    nodes.append(value)
                elif type(value) is list:
                    nodes.extend(each for each in value if isinstance(each, ast.AST))
        return nodes

    def imports(self) -> Iterator[tuple[int, str]]:
        """Line and dotted name of everything imported; `from a import b` gives `a.b`."""
        for node in self.nodes:
            if isinstance(node, ast.Import):
                yield from ((node.lineno, alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                origin = "." * node.level + (node.module or "")
                yield from ((node.lineno, f"{origin}.{alias.name}") for alias in node.names)


def sources(*folders: str) -> Iterator[Source]:
    """Every Python file below `folders`; a folder may also be one file."""
    for folder in folders:
        for path in _python_files(ROOT / folder):
            yield Source(path.relative_to(ROOT).as_posix(), path.read_text("utf-8"))


def _python_files(place: Path) -> list[Path]:
    return [place] if place.is_file() else sorted(place.rglob("*.py"))


def foreign_library(source: Source) -> Iterator[str]:
    """Faults: a library imported outside the one folder it belongs to."""
    folders = [folder for folder in LIBRARIES if f"{source.path}/".startswith(f"{folder}/")]
    allowed = LIBRARIES[max(folders, key=len)] if folders else frozenset()
    for line, name in source.imports():
        library = name.split(".")[0]
        if library not in sys.stdlib_module_names | OURS | allowed:
            yield f"{source.path}:{line} imports {library or 'by a relative path'}"


def stranger_in_main(source: Source) -> Iterator[str]:
    """Faults: main.py knows more than the composition."""
    for line, name in source.imports():
        if name.split(".")[0] not in sys.stdlib_module_names | MAIN_MAY_IMPORT:
            yield f"{source.path}:{line} imports {name}"


def other_subject(source: Source) -> Iterator[str]:
    """Faults: a subject that reaches for more of another one than its messages."""
    own = source.path.split("/")[1]
    for line, name in source.imports():
        parts = [*name.split("."), "", ""]
        if parts[0] == "actors" and parts[1] not in {own, "kernel"} and parts[2] != "messages":
            yield f"{source.path}:{line} imports {name}"


def private_runtime(source: Source) -> Iterator[str]:
    """Faults: an import past the runtime's public surface."""
    for line, name in source.imports():
        parts = name.split(".")
        if parts[0] == "runtime" and len(parts) > len(("runtime", "name")):
            yield f"{source.path}:{line} imports {name}"


def too_large(source: Source) -> Iterator[str]:
    """Faults: a file or a function beyond what a reader holds in mind."""
    lines = source.text.count("\n")
    if lines > FILE_LINES_MAX:
        yield f"{source.path} has {lines} lines"
    for node in source.nodes:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            size = (node.end_lineno or node.lineno) - node.lineno + 1
            if size > FUNCTION_LINES_MAX:
                yield f"{source.path}:{node.lineno} {node.name} has {size} lines"


def no_docstring(source: Source) -> Iterator[str]:
    """Faults: a module that does not say what it is for."""
    if not ast.get_docstring(source.tree):
        yield f"{source.path} has no docstring"


def missing_heading(source: Source) -> Iterator[str]:
    """Faults: an actor whose docstring leaves one of the four questions open."""
    if not source.path.endswith("/actor.py"):
        return
    told = [line.split(" ")[0] for line in (ast.get_docstring(source.tree) or "").splitlines()]
    found = [word for word in told if word in HEADINGS]
    if found != list(HEADINGS):
        yield f"{source.path} has the headings {found}"


def broad_except(source: Source) -> Iterator[str]:
    """Faults: a failure swallowed before its supervisor hears of it.

    Cleaning up and passing it on is fine: such a handler ends with a bare `raise`.
    """
    for node in source.nodes:
        if isinstance(node, ast.ExceptHandler) and _is_broad(node.type):
            last = node.body[-1]
            if not (isinstance(last, ast.Raise) and last.exc is None):
                yield f"{source.path}:{node.lineno} catches everything"


def _is_broad(caught: ast.expr | None) -> bool:
    if isinstance(caught, ast.Tuple):
        return any(map(_is_broad, caught.elts))
    return caught is None or ast.unparse(caught).split(".")[-1] in {"Exception", "BaseException"}


def outside_world(source: Source) -> Iterator[str]:
    """Faults: time, chance or the environment taken from anywhere but the system's world."""
    names = _imported_names(source)
    if not any(OUTSIDE_MODULES.match(name) for name in names.values()):
        return
    for node in source.nodes:
        if isinstance(node, ast.Attribute | ast.Name):
            first, *rest = ast.unparse(node).split(".")
            full = ".".join([names.get(first, ""), *rest])
            if OUTSIDE_WORLD.fullmatch(full):
                yield f"{source.path}:{node.lineno} uses {full}"


def faked(source: Source) -> Iterator[str]:
    """Faults: a test that patches; a double implements a port, and time is virtual."""
    for line, name in source.imports():
        if FAKES.fullmatch(name):
            yield f"{source.path}:{line} imports {name}"
    for node in source.nodes:
        if isinstance(node, ast.arg) and node.arg in PATCHERS:
            yield f"{source.path}:{node.lineno} asks for {node.arg}"
        elif isinstance(node, ast.Attribute) and node.attr in {"MockClock", "MonkeyPatch"}:
            yield f"{source.path}:{node.lineno} uses {node.attr}"


def real_sleep(source: Source) -> Iterator[str]:
    """Faults: a test in virtual time that sleeps on the machine's."""
    if any(_is_outside(node) for node in source.tree.body if isinstance(node, ast.Assign)):
        return
    names = _imported_names(source)
    if not any(name.split(".")[0] == "time" for name in names.values()):
        return
    inside = [node for node in source.tree.body if not _is_outside(node)]
    for node in (node for part in inside for node in ast.walk(part)):
        if isinstance(node, ast.Attribute | ast.Name):
            first, *rest = ast.unparse(node).split(".")
            if ".".join([names.get(first, ""), *rest]) == "time.sleep":
                yield f"{source.path}:{node.lineno} sleeps"


def _is_outside(node: ast.stmt) -> bool:
    """Whether a mark lets this test, or for `pytestmark` this file, run in real time."""
    if isinstance(node, ast.Assign):
        return ast.unparse(node.targets[0]) == "pytestmark" and bool(
            OUTSIDE_MARKS.search(ast.unparse(node.value))
        )
    marks = getattr(node, "decorator_list", [])
    return any(OUTSIDE_MARKS.search(ast.unparse(mark)) for mark in marks)


def _imported_names(source: Source) -> dict[str, str]:
    """What each imported name stands for: `from time import time as t` makes t `time.time`."""
    names: dict[str, str] = {}
    for node in source.nodes:
        if isinstance(node, ast.Import):
            names |= {alias.asname or alias.name: alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {a.asname or a.name: f"{node.module}.{a.name}" for a in node.names}
    return names


def untested(path: str, tests: Collection[str], exempt: Mapping[str, str]) -> Iterator[str]:
    """Faults: a module without its test file at the mirrored place.

    A store lives twice, in memory and in PostgreSQL, and is held to one suite: there the
    contract counts as the test.
    """
    folder, _, name = path.rpartition("/")
    wanted = [f"tests/{folder}/test_{name}"]
    if folder in {"adapters/memory", "adapters/postgres"}:
        wanted.append(f"tests/adapters/contract/test_{name}")
    if path in exempt or name in exempt:
        return
    if not any(place in tests for place in wanted):
        yield f"{path} has no {' nor '.join(wanted)}"


def not_for_a_repository(path: str, text: str) -> Iterator[str]:
    """Faults: a package index or a path of one machine."""
    for number, line in enumerate(text.splitlines(), start=1):
        if found := NOT_IN_A_REPOSITORY.search(line):
            yield f"{path}:{number} names {found[0]}"
