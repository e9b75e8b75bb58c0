"""The portable .ovpn profile, as a value and as text: what a customer gives to a program that we did not write.

It holds no user name, password or key of hers (the program asks), so two customers' profiles of one node are the same
bytes. Portable means: no connection blocks, no scripts, literal addresses, everything inline; openvpn, NetworkManager,
OpenVPN Connect and gluetun read it (openvpn(8), NetworkManager-openvpn's import). What a node pushes on top of it
(routes, name servers, addresses) is in `tyst.node.openvpn`; WireGuard's counterpart is `core.wireguard.config`.
"""

import re
from dataclasses import dataclass, field
from ipaddress import AddressValueError, IPv4Address, IPv6Address, ip_address
from typing import Literal

from tyst.core.faces import FACES, PLAIN, Face
from tyst.core.reach import NODE_LOOPBACK, SOCKS_PORT

Protocol = Literal["udp", "tcp"]

DATA_CIPHERS = "AES-256-GCM:CHACHA20-POLY1305"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]{0,62}")
_CERTIFICATE = re.compile(r"(-----BEGIN CERTIFICATE-----\n([A-Za-z0-9+/=]{1,76}\n)+-----END CERTIFICATE-----\n)+")
_STATIC_KEY = re.compile(
    r"-----BEGIN OpenVPN Static key V1-----\n([0-9a-f]{32}\n){16}-----END OpenVPN Static key V1-----\n"
)
_REMOTE = re.compile(r"remote ([0-9a-fA-F:.]{2,45}) ([0-9]{1,5}) (udp|tcp)(6?)")
_COMPRESSION = "setenv opt allow-compression asym"
_EXIT_NOTIFY = "explicit-exit-notify 1"
_RANDOM = "remote-random"
_NO_PUSHED_DNS = 'pull-filter ignore "dhcp-option DNS"'
_SOCKS = f"socks-proxy 127.0.0.1 {SOCKS_PORT}"
_OUTSIDE = re.compile(r"route ([0-9.]{7,15}) 255\.255\.255\.255 net_gateway")
_INSIDE = (NODE_LOOPBACK, "tcp")
_FIXED = (
    "client",
    "dev tun",
    "nobind",
    "resolv-retry infinite",
    "persist-tun",
    "persist-key",
    "remote-cert-tls server",
    "tls-version-min 1.2",
    f"data-ciphers {DATA_CIPHERS}",
    "auth-user-pass",
    "auth-nocache",
    "auth-retry nointeract",
    "reneg-sec 0",
)


class ProfileError(ValueError):
    """A profile that breaks a rule of the portable form. Says which rule, and repeats nothing of the text."""


def server_name_of(node: str) -> str:
    """The common name in the OpenVPN certificate that the gate makes for a node (`gate.authority`)."""
    return f"{node}.node.tyst"


@dataclass(frozen=True)
class Remote:
    """One place to connect to. A literal address: a name could be answered by somebody else, and leaks a look-up."""

    address: IPv4Address | IPv6Address
    port: int
    protocol: Protocol

    def __post_init__(self) -> None:
        if not 0 < self.port < 65536:
            raise ProfileError("a port lies between 1 and 65535")
        if self.protocol not in ("udp", "tcp"):
            raise ProfileError("OpenVPN speaks udp or tcp")

    def line(self) -> str:
        """The option line: family 6 is spelled out, because some programs try IPv4 first otherwise."""
        return f"remote {self.address} {self.port} {self.protocol}{'6' if self.address.version == 6 else ''}"


@dataclass(frozen=True)
class Profile:
    """What one node's profile says. Remotes are tried in their order, so put UDP first; those on several ports are
    equals (a node's processes), and the program picks one at random.

    `authority_pem`: the certificate authority of the fleet's OpenVPN servers; `tls_crypt`: the static key file's text
    (2.0 form, shared by all customers: it hides the handshake from scanners and secures nothing);
    `server_name`: common name that the server's certificate must carry; `compression`: the customer's setting.
    `wrapped`: the node's address, if OpenVPN goes through a local Shadowsocks proxy: then the only remote is 127.0.0.1
    as the node understands it, and the proxy's own way to the node stays outside the tunnel. `face`: which of the
    resolver's faces the program is to use; what the node pushes (the first face) is then ignored.
    Comment lines in both PEM-like texts are left out.
    """

    remotes: tuple[Remote, ...]
    authority_pem: str
    tls_crypt: str = field(repr=False)
    server_name: str
    compression: bool = False
    wrapped: IPv4Address | None = None
    face: Face = PLAIN

    def __post_init__(self) -> None:
        object.__setattr__(self, "authority_pem", _without_comments(self.authority_pem))
        object.__setattr__(self, "tls_crypt", _without_comments(self.tls_crypt))
        if not self.remotes:
            raise ProfileError("a profile needs at least one remote")
        if self.wrapped is not None and [(one.address, one.protocol) for one in self.remotes] != [_INSIDE]:
            raise ProfileError("through a local proxy a profile has one remote, TCP on 127.0.0.1")
        if not _NAME.fullmatch(self.server_name):
            raise ProfileError("a server name has letters, digits, dots and hyphens, at most 63")
        if not _CERTIFICATE.fullmatch(self.authority_pem):
            raise ProfileError("the authority must be one or more PEM certificates and nothing else")
        if not _STATIC_KEY.fullmatch(self.tls_crypt):
            raise ProfileError("the tls-crypt key must be one OpenVPN static key and nothing else")


def profile(value: Profile) -> str:
    """The text of a profile, ending in a newline. Equal values give equal bytes.

    explicit-exit-notify is written only when every remote is UDP: with TCP among them openvpn warns on each connect
    (options.c), older ones refuse, and the node pushes it to UDP clients anyway. `compression` allows the program to
    *receive* compressed packets and never to send them; our nodes send none either (they would reveal lengths of
    plain text), so the setting changes nothing on the wire: it is `setenv opt`, because old programs don't know it.
    """
    lines = [*_FIXED, f"verify-x509-name {value.server_name} name"]
    if all(remote.protocol == "udp" for remote in value.remotes):
        lines.append(_EXIT_NOTIFY)
    if len({remote.port for remote in value.remotes}) > 1:
        lines.append(_RANDOM)
    if value.compression:
        lines.append(_COMPRESSION)
    if value.wrapped is not None:
        lines += [_SOCKS, f"route {value.wrapped} 255.255.255.255 net_gateway"]
    lines += _dns(value.face)
    lines += [remote.line() for remote in value.remotes]
    return "\n".join(lines) + "\n" + _inline("ca", value.authority_pem) + _inline("tls-crypt", value.tls_crypt)


def parse(text: str) -> Profile:
    """The value of a profile that `profile` wrote, or ProfileError. Only our own form: it is no reader for others'."""
    options, blocks = _split(text.replace("\r\n", "\n"))
    names = [line.split(" ")[1] for line in options if re.fullmatch(r"verify-x509-name \S+ name", line)]
    if len(names) != 1 or set(blocks) != {"ca", "tls-crypt"}:
        raise ProfileError("a profile names its server once and holds an authority and a tls-crypt key")
    remotes = tuple(_remote(line) for line in options if line.startswith("remote "))
    outside = [match for line in options if (match := _OUTSIDE.fullmatch(line))]
    wrapped = IPv4Address(outside[0][1]) if outside else None
    face = next((face for face in FACES if face != PLAIN and set(_dns(face)) <= set(options)), PLAIN)
    value = Profile(remotes, blocks["ca"], blocks["tls-crypt"], names[0], _COMPRESSION in options, wrapped, face)
    if sorted(options) != sorted(_split(profile(value))[0]):
        raise ProfileError("this profile has options that ours never have, or lacks some that ours always have")
    return value


def _dns(face: Face) -> list[str]:
    """The lines that name another face than the one that the node pushes (openvpn(8), `pull-filter`)."""
    if face == PLAIN:
        return []
    return [_NO_PUSHED_DNS, *(f"dhcp-option DNS {address}" for address in (face.four, face.six))]


def _inline(tag: str, text: str) -> str:
    return f"<{tag}>\n{text}</{tag}>\n"


def _split(text: str) -> tuple[list[str], dict[str, str]]:
    """(option lines, inline blocks by tag). Comments and empty lines count for nothing."""
    blocks: dict[str, str] = {}

    def take(match: re.Match[str]) -> str:
        if match[1] in blocks:
            raise ProfileError("an inline block stands there twice")
        blocks[match[1]] = match[2]
        return ""

    rest = re.sub(r"^<([a-z0-9-]+)>\n((?:(?!<).*\n)*)</\1>$", take, text, flags=re.MULTILINE)
    return [line for line in map(str.strip, rest.split("\n")) if line and line[0] not in "#;"], blocks


def _remote(line: str) -> Remote:
    match = _REMOTE.fullmatch(line)
    if match is None:
        raise ProfileError("a remote is a literal address, a port and udp or tcp")
    try:
        address = ip_address(match[1])
    except (AddressValueError, ValueError):
        raise ProfileError("a remote is a literal address, a port and udp or tcp") from None
    if (address.version == 6) != (match[4] == "6"):
        raise ProfileError("a remote's protocol must be of its address's family")
    return Remote(address, int(match[2]), "udp" if match[3] == "udp" else "tcp")


def _without_comments(text: str) -> str:
    """The text less comment and empty lines (openvpn --genkey writes some), each line ended by a newline."""
    lines = [line.strip() for line in text.replace("\r\n", "\n").split("\n")]
    return "".join(f"{line}\n" for line in lines if line and not line.startswith("#"))
