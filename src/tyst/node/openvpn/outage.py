"""What lets a device come back while the gate is lost, and nothing else: leases that were live when it was lost.

WireGuard proves by its key who comes back; an OpenVPN login proves it by the pair of name and password, which the node
doesn't keep. So each open tunnel has a *proof*: a hash of the pair under a key that this agent drew at its start and
that never leaves its RAM. That surrenders nothing new while the tunnel is open (openvpn itself holds the pair as long).
When a tunnel closes in an outage, its lease and proof rest here until the device is back, the gate is back, or 24 hours
have passed since the gate was lost; in that time, and only then, a seizure of the RAM lets somebody test guesses of
those passwords. The other choices were worse: keep the pair itself, or let nobody back in whose connection breaks.
A VPN credential can't be guessed at all. Without an outage a closed tunnel leaves nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import blake2b

from tyst.core.transient import Transient
from tyst.messages.admission import Features

LONGEST_OUTAGE = 24 * 3600.0


@dataclass(frozen=True)
class Resting:
    """A lease whose tunnel closed while the gate was lost."""

    lease: bytes = field(repr=False)
    features: Features


class Outage:
    """One for all OpenVPN processes of a node. `clock`: seconds that only go forward; `key`: 32 random bytes."""

    def __init__(self, clock: Callable[[], float], key: bytes) -> None:
        self._clock, self._key = clock, key
        self._since: float | None = None
        self._resting: dict[bytes, list[Resting]] = {}

    def proof(self, username: Transient[str], password: Transient[str]) -> bytes:
        """What a pair of name and password leaves behind while its tunnel is open (32 bytes)."""
        name = username.reveal().encode()
        text = len(name).to_bytes(2) + name + password.reveal().encode()
        return blake2b(text, key=self._key, digest_size=32).digest()

    def observe(self, lost: bool) -> list[bytes]:
        """Whether the gate is lost at this moment. Returns leases that rest no longer: the gate can have them back."""
        if lost:
            self._since = self._clock() if self._since is None else self._since
            return self._forget() if self.over else []
        self._since = None
        return self._forget()

    @property
    def over(self) -> bool:
        """Whether the gate has been lost so long that even live leases count for nothing."""
        return self._since is not None and self._clock() - self._since >= LONGEST_OUTAGE

    def rest(self, proof: bytes, lease: bytes, features: Features) -> bool:
        """A tunnel closed. True when its lease rests here; False: there is no outage, give it back to the gate."""
        if self._since is None or self.over:
            return False
        self._resting.setdefault(proof, []).append(Resting(lease, features))
        return True

    def take(self, proof: bytes) -> Resting | None:
        """A device is back: one resting lease that its login proves, or None."""
        if self._since is None or self.over or proof not in self._resting:
            return None
        leases = self._resting[proof]
        found = leases.pop()
        if not leases:
            del self._resting[proof]
        return found

    def _forget(self) -> list[bytes]:
        leases = [resting.lease for same in self._resting.values() for resting in same]
        self._resting.clear()
        return leases
