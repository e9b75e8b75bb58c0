"""The resolver's faces: addresses in the tunnel that answer alike but for what they block. A device picks one in its
own configuration; nobody keeps which.

What each list holds comes from the operator's signed file (`core.lists`); `core.dns` makes unbound's text of both.
"""

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address

from tyst.core.kinds import GROWN_UP, UNWANTED
from tyst.core.wireguard.addresses import RESOLVER4, RESOLVER6


@dataclass(frozen=True, slots=True)
class Face:
    """`word`: how pages and links name it. `blocks`: kinds of lists."""

    word: str
    four: IPv4Address
    six: IPv6Address
    blocks: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """Both addresses, as a WireGuard config's DNS line has them: IPv6 first (docs/decisions/0011)."""
        return f"{self.six}, {self.four}"


PLAIN = Face("plain", RESOLVER4, RESOLVER6)
CLEAN = Face("clean", IPv4Address("10.0.0.3"), IPv6Address("fd74:7973:7400::3"), UNWANTED)
FAMILY = Face("family", IPv4Address("10.0.0.4"), IPv6Address("fd74:7973:7400::4"), UNWANTED + GROWN_UP)
FACES = (PLAIN, CLEAN, FAMILY)

TLS_PORT, HTTPS_PORT = 853, 443
"""DNS over TLS (RFC 7858) and over HTTPS (RFC 8484), at each face's addresses."""
HTTPS_BEHIND = 5357
"""Where the resolver listens for HTTPS: OpenVPN has port 443 of every address, so the firewall leads from one to the
other."""


def face_of(word: str) -> Face | None:
    """The face of this word, or None."""
    return next((face for face in FACES if face.word == word), None)
