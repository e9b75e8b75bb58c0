"""The keys of backups: the operator's recovery key or passphrase, and the day keys that die after 30 days.

Both are needed to open a backup. The recovery key's private half (`recovery.key`) belongs away from this machine; its
public half makes backups. The day keys (`backup.keys`) are here, on the shelf that the operator chose, and nowhere
else: when both are written over, every copy of the backups of that day is noise, wherever it was carried.
"""

import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from tyst.core.archive import DAYS, KEY_BYTES, ArchiveError, Locker, Opener, Words
from tyst.records.slots_file import replace_file

PUBLIC, PRIVATE, DAY_KEYS = "recovery.pub", "recovery.key", "backup.keys"
_SHORTEST = 12
"""Characters of a passphrase at least. Argon2id makes each guess dear; short ones are guessed all the same."""


@dataclass(frozen=True)
class DayKeys:
    """The day keys that are left, by day."""

    by_day: dict[date, bytes] = field(repr=False)

    @property
    def all(self) -> Sequence[bytes]:
        return tuple(self.by_day.values())

    def kept(self, today: date) -> "DayKeys":
        """Without those whose backups may not be opened any more."""
        return DayKeys({day: one for day, one in self.by_day.items() if today - day <= timedelta(days=DAYS)})


def read_day_keys(state: Path) -> DayKeys:
    """What `backup.keys` holds; none when there is no such file. ArchiveError."""
    try:
        return day_keys_of((state / DAY_KEYS).read_bytes())
    except FileNotFoundError:
        return DayKeys({})


def day_keys_of(text: bytes) -> DayKeys:
    """The keys in the file's text. ArchiveError."""
    try:
        return DayKeys(msgspec.json.decode(text, type=dict[date, bytes]))
    except msgspec.MsgspecError:
        raise ArchiveError("backup.keys can't be read: it is damaged") from None


def day_key(state: Path, today: date) -> bytes:
    """Today's key, made if there is none; those that are over are destroyed."""
    keys = destroy_old_keys(state, today)
    if today not in keys.by_day:
        keys = DayKeys({**keys.by_day, today: secrets.token_bytes(KEY_BYTES)})
        _write(state, keys)
    return keys.by_day[today]


def destroy_old_keys(state: Path, today: date) -> DayKeys:
    """Takes the keys of backups older than 30 days out of the file, and writes over what it held; what is left."""
    found = read_day_keys(state)
    left = found.kept(today)
    if left != found:
        _write(state, left)
    return left


def _write(state: Path, keys: DayKeys) -> None:
    replace_file(state / DAY_KEYS, msgspec.json.encode(dict(sorted(keys.by_day.items()))))


def make_recovery_key(state: Path, private: Path) -> None:
    """A new recovery key: its public half in the state folder, its private half in a file that isn't there yet."""
    key = X25519PrivateKey.generate()
    with os.fdopen(os.open(private, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(key.private_bytes_raw().hex().encode() + b"\n")
    replace_file(state / PUBLIC, key.public_key().public_bytes_raw().hex().encode() + b"\n")


def locker(state: Path, passphrase: Path | None) -> Locker:
    """For whom this provider's backups are made. ArchiveError with what to do."""
    if passphrase is not None:
        return words(passphrase)
    try:
        return X25519PublicKey.from_public_bytes(_hex(state / PUBLIC))
    except FileNotFoundError:
        raise ArchiveError(
            "there is no recovery key yet: `./tyst backup --new-key FILE` makes one, or give --passphrase-file"
        ) from None


def opener(state: Path, key: Path | None, passphrase: Path | None) -> Opener:
    """With what backups are opened. ArchiveError."""
    if passphrase is not None:
        return words(passphrase)
    path = key or state / PRIVATE
    try:
        return X25519PrivateKey.from_private_bytes(_hex(path))
    except FileNotFoundError:
        raise ArchiveError("the recovery key isn't here: give its file with --key, or --passphrase-file") from None


def words(path: Path) -> Words:
    """The passphrase in a file, without the line's end. ArchiveError."""
    try:
        text = path.read_bytes().rstrip(b"\r\n")
    except FileNotFoundError:
        raise ArchiveError("there is no file of that name with a passphrase") from None
    if len(text) < _SHORTEST:
        raise ArchiveError(f"a passphrase has {_SHORTEST} characters at least")
    return Words(text)


def _hex(path: Path) -> bytes:
    try:
        raw = bytes.fromhex(path.read_text("ascii").strip())
    except ValueError:
        raw = b""
    if len(raw) != KEY_BYTES:
        raise ArchiveError(f"{path.name} is no recovery key: it holds 64 hexadecimal digits")
    return raw
