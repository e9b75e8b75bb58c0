"""Signs the operator's lists of names into one bundle for all nodes, and reads it back (`core.lists` has the form).

The bundle lies in the state folder, where the gate takes it from; its version is one more than that of the bundle
before. The key lies beside it and is read by this hand alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tyst.core.lists import Lists, ListsError, made, opened, parsed, signed
from tyst.fleet.founding import LISTS_KEY
from tyst.gate.shelf import BUNDLE
from tyst.records.whole import write_whole


class PublishError(Exception):
    """Something about the lists that the operator can mend. One sentence."""


@dataclass(frozen=True)
class Published:
    """What came of it. `passed`: lines that held no name, by kind."""

    lists: Lists
    passed: Mapping[str, int]


def public_key(state: Path) -> bytes:
    """The key by which nodes know the bundle (32 bytes); empty in a folder that was made without one."""
    try:
        return _key(state).public_key().public_bytes_raw()
    except PublishError:
        return b""


def publish(state: Path, files: Mapping[str, Sequence[Path]]) -> Published:
    """Reads the files of each kind and signs a new bundle in place of the one that is there. PublishError."""
    key = _key(state)
    before = current(state)
    kinds: dict[str, set[str]] = {}
    passed: dict[str, int] = {}
    for kind, paths in files.items():
        for path in paths:
            names, unread = parsed(_text(path))
            kinds.setdefault(kind, set()).update(names)
            passed[kind] = passed.get(kind, 0) + unread
    try:
        lists = made(before.version + 1 if before else 1, kinds)
        write_whole(state / BUNDLE, signed(lists, key))
    except ListsError as error:
        raise PublishError(str(error)) from None
    return Published(lists, passed)


def current(state: Path) -> Lists | None:
    """The bundle that is there; None for none. PublishError when it isn't what nodes would take."""
    try:
        bundle = (state / BUNDLE).read_bytes()
    except FileNotFoundError:
        return None
    try:
        return opened(bundle, public_key(state))
    except ListsError as error:
        raise PublishError(f"{error}; nodes refuse them: restore {BUNDLE}, or remove it on purpose") from None


def _key(state: Path) -> Ed25519PrivateKey:
    try:
        return Ed25519PrivateKey.from_private_bytes((state / LISTS_KEY).read_bytes())
    except (FileNotFoundError, ValueError):
        raise PublishError(
            f"{LISTS_KEY} is missing in the state folder: bring it back from where you keep it"
        ) from None


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        raise PublishError("one of the files can't be read") from None
