"""Leases that sleep while the gate is lost, so that their own devices can return without it.

Under a keyed hash of the device's key: who slept here, this can't tell. A lease that wakes is gone from here; when the
gate is back, all that are left go back to it (`tunnels.py`).
"""

import hashlib
import secrets

from tyst.messages.admission import Admission, Features, Verdict


class Dormant:
    """The sleeping leases of one outage."""

    def __init__(self) -> None:
        self._leases: dict[bytes, tuple[bytes, bool]] = {}
        self._key = secrets.token_bytes(16)

    def rest(self, public: bytes, lease: bytes, *, multihop: bool) -> None:
        """A tunnel ended during the outage; its lease waits for its device. `multihop`: it may come by an entry."""
        self._leases[self._name(public)] = lease, multihop

    def wake(self, public: bytes, *, entered: bool) -> Admission | None:
        """The device is back: its lease, unless it comes by an entry and may not."""
        name = self._name(public)
        lease, multihop = self._leases.get(name, (b"", False))
        if not lease or (entered and not multihop):
            return None
        del self._leases[name]
        return Admission(Verdict.OPEN, lease=lease, features=Features(multihop=multihop))

    def empty(self) -> list[bytes]:
        """All leases that still sleep; none do afterwards."""
        leases = [lease for lease, _ in self._leases.values()]
        self._leases.clear()
        return leases

    def _name(self, public: bytes) -> bytes:
        return hashlib.blake2s(public, key=self._key, digest_size=16).digest()
