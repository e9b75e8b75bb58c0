"""The operators who may approve an answer to an authority: names and public keys, in the state folder.

The private halves are the operators' own and are never here. What this binds is the procedure: whoever is root on this
machine can read the records without it, and the threat model says so.
"""

import json
import re
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tyst.core.court import CourtError
from tyst.core.signed import SignedError, canonical, public_bytes, public_text
from tyst.records.whole import write_whole

FILE = "operators.json"
NAME = re.compile(r"[a-z][a-z0-9-]{0,31}")


def read(state: Path) -> dict[str, bytes]:
    """Public keys (32 bytes) by name; none where nobody was added. CourtError for a damaged file."""
    try:
        table = json.loads((state / FILE).read_bytes())
        return {str(name): public_bytes(text) for name, text in table.items()}
    except FileNotFoundError:
        return {}
    except (ValueError, AttributeError):
        raise CourtError(f"{FILE} in the state folder can't be read: mend it, or add the operators anew") from None


def add(state: Path, name: str, public: str) -> None:
    """One more. CourtError for a name or key that won't do, and for a name or key that is there."""
    table = read(state)
    if not NAME.fullmatch(name):
        raise CourtError("an operator's name has small letters, digits and hyphens, at most 32")
    try:
        key = public_bytes(public)
    except SignedError as error:
        raise CourtError(str(error)) from None
    if name in table or key in table.values():
        raise CourtError("there is an operator of this name or with this key already: two operators have two keys")
    _write(state, {**table, name: key})


def remove(state: Path, name: str) -> None:
    """One less: what she approved counts no longer. CourtError when there is none of that name."""
    table = read(state)
    if table.pop(name, None) is None:
        raise CourtError("there is no operator of that name")
    _write(state, table)


def new_key(path: Path) -> str:
    """Makes an operator's private key (32 bytes) where none is, and says the public half."""
    if path.exists():
        raise CourtError("there is a file of that name; keys are not overwritten")
    key = Ed25519PrivateKey.generate()
    write_whole(path, key.private_bytes_raw())
    return public_text(key.public_key().public_bytes_raw())


def _write(state: Path, table: dict[str, bytes]) -> None:
    write_whole(state / FILE, canonical({name: public_text(key) for name, key in table.items()}))
