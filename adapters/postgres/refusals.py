"""Why PostgreSQL cannot be used as it is; every text says what a person can do about it.

```
runtime.Unrecoverable
└── StoreRefused            starting again cannot help: it ends the system
    ├── NoBinaries              no PostgreSQL installed, or it does not run
    ├── AlreadyRunning          another server or process has the data folder
    ├── FolderRefused           the data or socket folder is not ours, or out of reach
    ├── WrongVersion            the data folder belongs to another major version
    ├── UnsafeDurability        a setting that may lose acknowledged commits
    ├── UnsuitableDatabase      not UTF-8, or too old
    ├── AnotherProcessRuns      another factorage writes to this database
    └── MigrationRefused        the schema and this version do not fit together
        ├── MisnumberedMigrations   a gap, a number used twice, a name that is none
        ├── EditedMigration         a file was changed after it was applied
        ├── NewerDatabase           a newer version has been here
        └── MigrationFailed         a file does not run
Exception
└── StartFailed             the embedded server ended at its start, or was not ready in time
```

`StartFailed` may pass (a full disk), so it costs its supervisor a restart. An outage is
`Unavailable`, never one of these.
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


class StartFailed(Exception):  # noqa: N818 - a verdict, like the others
    """The server did not become ready; the text ends with the end of its log."""


class UnsafeDurability(StoreRefused):
    """A server setting allows an acknowledged commit to be lost."""


class UnsuitableDatabase(StoreRefused):
    """The database cannot hold what we store."""


class AnotherProcessRuns(StoreRefused):
    """Another process holds the writer's lock of this database."""


class MigrationRefused(StoreRefused):
    """The migrations of this version do not fit the database."""


class MisnumberedMigrations(MigrationRefused):
    """The files of the folder are not 0001, 0002 and so on."""


class EditedMigration(MigrationRefused):
    """A file is not what it was when it was applied."""


class NewerDatabase(MigrationRefused):
    """The database has migrations that this version does not know."""


class MigrationFailed(MigrationRefused):
    """A file does not run; nothing of it was kept, unless it runs without a transaction."""
