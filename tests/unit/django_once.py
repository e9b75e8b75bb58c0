"""Django for unit tests: set up once in a process, as the site does, on a database in RAM that tests empty."""

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path


@cache
def database_path() -> Path:
    """The database's file, migrated; Django looks at it from now on."""
    from tyst.records.migrate import migrate
    from tyst.site.wiring import configure

    folder = Path(tempfile.mkdtemp(prefix="tyst-unit-", dir="/dev/shm"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    path = folder / "records.sqlite3"
    configure(path, ["tyst.test"])
    migrate(path)
    return path


def emptied() -> None:
    """Empties every table of ours."""
    database_path()
    from tyst.records import models

    for model in (
        models.Account,
        models.KeyRecord,
        models.Voucher,
        models.SpentSerial,
        models.Journal,
        models.PublicAddress,
        models.Node,
    ):
        model.objects.all().delete()
    models.Location.objects.all().delete()
    models.Fleet.objects.all().delete()
