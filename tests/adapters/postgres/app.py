"""A process with an embedded server, for tests that kill it.

python -m tests.adapters.postgres.app FOLDER: starts the server, prints its process id and how
to connect, then waits for its end.
"""

from __future__ import annotations

import sys
from pathlib import Path

import trio

from adapters.postgres.embedded import EmbeddedServer


async def main(folder: Path) -> None:
    """Start, tell, wait."""
    server = EmbeddedServer(folder)
    await server.start()
    sys.stdout.write(f"{server.pid} {server.conninfo}\n")
    sys.stdout.flush()
    await trio.sleep_forever()


if __name__ == "__main__":
    trio.run(main, Path(sys.argv[1]))
