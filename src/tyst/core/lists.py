"""The lists of names that nodes block or lead out by their streaming address: plain text in, one signed bundle out.

A bundle is 64 bytes of Ed25519 signature (RFC 8032) and a canonical text: a head, a version that only ever grows, and
for each kind its names in order. Equal lists give equal bytes, and no other bytes are read. The operator's hand signs
(`fleet.lists`), the gate hands on without reading, the node checks (`node.lists`). Every name is checked here, so that
none can become a line of a resolver's configuration. Clock, files and the key's making are others'.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from tyst.core.kinds import KINDS

MAX_BYTES = 8 << 20
"""A bundle's size at most: some 400,000 names."""
MAX_VERSION = 2**31
SIGNATURE_BYTES = 64
_CONTEXT = b"tyst lists\0"
_HEAD = "tyst lists 1"
_LABEL = r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME = re.compile(rf"(?=.{{4,253}}\Z){_LABEL}(\.{_LABEL})*\.[a-z]([a-z0-9-]{{0,61}}[a-z0-9])")
"""Two labels at least, the last one no number: an address is no name, and no list can block a whole top level."""
_NUMBER = re.compile(r"0|[1-9][0-9]{0,9}")


class ListsError(ValueError):
    """A bundle that isn't one, isn't ours, or is older than what is there. Repeats nothing of it."""


@dataclass(frozen=True)
class Lists:
    """All names by kind, each in order, and none below another of its kind."""

    version: int
    names: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def of(self, kind: str) -> tuple[str, ...]:
        """The names of one kind."""
        return self.names.get(kind, ())


def parsed(text: str) -> tuple[frozenset[str], int]:
    """(names, how many lines were passed over) of a plain list or a hosts file (hosts(5)).

    One name a line, or an address and its names; `#` begins a comment; capitals and a final dot don't matter.
    """
    names: set[str] = set()
    passed = 0
    for line in text.splitlines():
        words = line.partition("#")[0].lower().split()
        if len(words) > 1 and re.fullmatch(r"[0-9.]+|[0-9a-f:]+", words[0]):
            words = words[1:]
        elif len(words) > 1:
            words, passed = [], passed + 1
        good = [name for word in words if _NAME.fullmatch(name := word.rstrip("."))]
        names.update(good)
        passed += bool(words) and not good
    return frozenset(names), passed


def pruned(names: Iterable[str]) -> tuple[str, ...]:
    """The names in order, without those that lie below another one: a name stands for all below it."""
    given = set(names)
    return tuple(sorted(name for name in given if not any(above in given for above in _above(name))))


def _above(name: str) -> Iterable[str]:
    while "." in name:
        name = name.partition(".")[2]
        yield name


def made(version: int, kinds: Mapping[str, Iterable[str]]) -> Lists:
    """The value of these names. ListsError for a version out of range, a kind or a name that is none."""
    lists = Lists(version, {kind: pruned(kinds[kind]) for kind in KINDS if kind in kinds})
    if set(kinds) - set(KINDS) or not all(_NAME.fullmatch(name) for some in lists.names.values() for name in some):
        raise ListsError("a list holds something that is no name, or is of no known kind")
    if not 0 < version < MAX_VERSION:
        raise ListsError("a version is a number from 1 on")
    return lists


def signed(lists: Lists, private: Ed25519PrivateKey) -> bytes:
    """The bundle. ListsError when it would be too big for nodes."""
    text = _text(lists)
    if SIGNATURE_BYTES + len(text) > MAX_BYTES:
        raise ListsError("these lists are too long: a bundle has at most 8 MB, which is some 400,000 names")
    return private.sign(_CONTEXT + text) + text


def opened(bundle: bytes, public: bytes, *, above: int = 0) -> Lists:
    """The lists of a bundle signed by this key (32 bytes) and newer than version `above`. ListsError otherwise."""
    if not SIGNATURE_BYTES < len(bundle) <= MAX_BYTES:
        raise ListsError("this is no bundle of lists")
    signature, text = bundle[:SIGNATURE_BYTES], bundle[SIGNATURE_BYTES:]
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, _CONTEXT + text)
    except (InvalidSignature, ValueError):
        raise ListsError("these lists are not signed by the operator's key") from None
    lists = _read(text)
    if lists.version <= above:
        raise ListsError("these lists are not newer than those that are here")
    return lists


def _text(lists: Lists) -> bytes:
    lines = [_HEAD, f"version {lists.version}"]
    for kind in KINDS:
        if kind in lists.names:
            lines += [f"{kind} {len(lists.names[kind])}", *lists.names[kind]]
    return "".join(f"{line}\n" for line in lines).encode("ascii")


def _read(text: bytes) -> Lists:
    """The value of a canonical text; whatever isn't exactly what `_text` writes is refused."""
    wrong = ListsError("this is no bundle of lists")
    try:
        lines = text.decode("ascii").split("\n")
    except UnicodeDecodeError:
        raise wrong from None
    if len(lines) < 3 or not _NUMBER.fullmatch(lines[1].removeprefix("version ")):
        raise wrong
    kinds: dict[str, tuple[str, ...]] = {}
    at = 2
    while at < len(lines) - 1:
        kind, _, count = lines[at].partition(" ")
        if not _NUMBER.fullmatch(count):
            raise wrong
        kinds[kind] = tuple(lines[at + 1 : at + 1 + int(count)])
        at += 1 + int(count)
    lists = made(int(lines[1].removeprefix("version ")), kinds)
    if _text(lists) != text:
        raise wrong
    return lists
