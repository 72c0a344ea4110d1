"""factorage: `main.py --help` names the commands."""

from __future__ import annotations

import signal
import sys

if __name__ == "__main__":
    # The imports below take a second. A signal that comes meanwhile waits for whoever answers it.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})

    from config.commands import main

    sys.exit(main(sys.argv[1:]))
