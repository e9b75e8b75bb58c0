"""Backups and deletion: one made before is restored, and must not bring her back; one past its horizon must not open.

The backup is the operator's own, made while she was a customer. It is restored into copies of the state folder, the
town itself goes on. Another customer, who stays, shows that the restore did restore. Counterparts: `records.backup`,
`records.undone`; docs/algorithms/backup.md says how they work.
"""

import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import httpx

from tyst.core.archive import DAYS, ArchiveError
from tyst.core.residue_encodings import scan_set_of
from tyst.lab.shop import shop
from tyst.lab.shop.shop import Town
from tyst.proof.check import Fault
from tyst.proof.engine import Engine
from tyst.proof.erase.alice import StageError
from tyst.proof.erase.look import Traces, sql
from tyst.proof.sources import FileSource
from tyst.records.backup import keys, making

SEARCHED = (
    "a backup of before she left, as a file; the records that it is restored to, with the journal of what was undone",
    f"the same backup {DAYS + 1} days later, when its day's key is destroyed, and the folder that it lay in",
)
SECONDS = 60.0
_BACK = "after a restore {} is back"


class Backups:
    """Made while she is a customer. `left` and `faults` come after she has left."""

    def __init__(self, town: Town, traces: Traces) -> None:
        self._town, self._engine = town, Engine(scan_set_of(traces.marks))
        self._name = str(traces.marks[0].value)
        self._folder = town.folder / "backups"
        self._folder.mkdir()
        self._file, self._key = self._folder / "before.backup", town.folder / "recovery.key"
        self._stays = f"u{secrets.token_hex(8)}"
        self._today = datetime.now(UTC).date()
        form = {"username": self._stays, "password": secrets.token_hex(12), "currency": "EUR", "country": "se"}
        httpx.post(f"{town.url}/en/signup", data=form, headers={"Origin": town.url}, trust_env=False, timeout=SECONDS)
        town.run("backup", "--to", str(self._file), "--new-key", str(self._key))

    def left(self) -> set[str]:
        """What of her a backup brings back, or shows."""
        found = {f"her {mark} can be read in the backup" for mark in self._marks(self._file)}
        state = self._restored("restored")
        if not self._has(state, self._stays):
            raise StageError("the restore restored nothing")
        found |= {_BACK.format("her account") for _ in range(self._has(state, self._name))}
        found |= {_BACK.format(f"her {mark}") for mark in self._marks(state / "records.sqlite3")}
        return found | self._past_its_horizon()

    def faults(self) -> Iterator[Fault]:
        """A restore that forgets what was undone, and a day's key that outlives its day."""
        state = self._restored("forgetful", journal=False)
        yield Fault("a restore without the journal of what was undone", self._has(state, self._name))
        kept = self._town.folder / "kept"
        kept.mkdir()
        shutil.copy(self._town.state / keys.DAY_KEYS, kept)
        yield Fault("a backup's key that somebody kept past its horizon", self._opens(kept))

    def _past_its_horizon(self) -> set[str]:
        """The state folder a month later: its key is gone, and so is the file in the operator's folder."""
        later, state = self._today + timedelta(days=DAYS + 1), self._town.folder / "later"
        state.mkdir()
        shutil.copy(self._town.state / keys.DAY_KEYS, state)
        if not self._opens(state):
            raise StageError("the backup doesn't open while it should")
        keys.destroy_old_keys(state, later)
        found = {"a backup past its horizon still opens" for _ in range(self._opens(state))}
        folder = self._town.folder / "shelf"
        shutil.copytree(self._folder, folder)
        making.remove_old(folder, later)
        return found | {"a backup past its horizon still lies in its folder" for _ in folder.glob(f"*{making.ENDING}")}

    def _opens(self, state: Path, day: date | None = None) -> bool:
        """Whether the backup opens with the recovery key and the day keys of this folder, by its own day's clock."""
        opener = keys.opener(state, self._key, None)
        try:
            items = making.opened(self._file, opener, keys.read_day_keys(state).all, day or self._today)
            return any(item[0] == "rows" and item[1] == "account" for item in items)
        except ArchiveError:
            return False

    def _restored(self, name: str, *, journal: bool = True) -> Path:
        """A copy of the state folder with the backup put back."""
        state = self._town.folder / name
        shutil.copytree(self._town.state, state)
        words = ["restore", "--from", str(self._file), "--key", str(self._key), "--no-sweep", "--state", str(state)]
        if not journal:
            (state / "undone.journal").unlink()
            words.append("--without-undone")
        done = subprocess.run(
            [str(shop.LAUNCHER), *words],
            env={**os.environ, "TYST_PYTHON": sys.executable},
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        if done.returncode:
            raise StageError(f"the restore failed: {done.stderr.strip()}")
        return state

    def _has(self, state: Path, name: str) -> bool:
        return bool(sql(state, "SELECT 1 FROM account WHERE username = ?", name))

    def _marks(self, path: Path) -> set[str]:
        found = self._engine.search(FileSource(path)).counted
        return {self._engine.scan_set.patterns[index].mark.name for index in found}
