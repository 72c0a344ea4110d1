"""factorage: `main.py --help` names the commands."""

from __future__ import annotations

import sys

from config.commands import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
