"""Why PostgreSQL cannot be used as it is; every text says what a person can do about it.

```
StoreRefused
├── NoBinaries              no PostgreSQL installed, or it does not run
├── AlreadyRunning          another server or process has the data folder
├── FolderRefused           the data or socket folder is not ours, or out of reach
├── WrongVersion            the data folder belongs to another major version
├── StartFailed             the server process ended, or was not ready in time
├── UnsafeDurability        a setting that may lose acknowledged commits
├── UnsuitableDatabase      not UTF-8, or too old
├── AnotherProcessRuns      another factorage writes to this database
└── MigrationRefused        the schema and this version do not fit together
```

None of these heals by trying again soon, so they end the system (`runtime.Unrecoverable`). An
outage is `Unavailable`, never one of these.
"""

from __future__ import annotations

from runtime import Unrecoverable


class StoreRefused(Unrecoverable):
    """PostgreSQL cannot be used as it is."""


class NoBinaries(StoreRefused):
    """No usable PostgreSQL programs were found on this machine."""


class AlreadyRunning(StoreRefused):
    """The data folder is in use."""


class FolderRefused(StoreRefused):
    """A folder is owned by somebody else or cannot be reached by the server's user."""


class WrongVersion(StoreRefused):
    """The data folder was made by another major version of PostgreSQL."""


class StartFailed(StoreRefused):
    """The server did not become ready; the text ends with the end of its log."""


class UnsafeDurability(StoreRefused):
    """A server setting allows an acknowledged commit to be lost."""


class UnsuitableDatabase(StoreRefused):
    """The database cannot hold what we store."""


class AnotherProcessRuns(StoreRefused):
    """Another process holds the writer's lock of this database."""


class MigrationRefused(StoreRefused):
    """A migration cannot be applied, or was applied by somebody else's version."""
