"""The configuration of one OpenVPN server process, and what it pushes to one client: values to text.

Everything openvpn could write, run or remember is absent: no script, plugin, status, pool file, log or cache; logins go
over the management socket. The text holds the server's private key, so it lives in RAM and crosses a pipe
(`tyst.node.openvpn.process`). What the customer's side says is in `core.openvpn.profile`.
"""

from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Interface, IPv6Network

from tyst.core.faces import FACES
from tyst.core.openvpn.management import Framing
from tyst.core.openvpn.profile import DATA_CIPHERS, Protocol
from tyst.core.wireguard.addresses import NOTICE4, OPENVPN6, RESOLVER4, RESOLVER6

MAX_PROCESSES = 15
MAX_CLIENTS = 2000
MANAGEMENT = "/dev/net/agent"
"""Where a server finds the agent's socket in its own mount namespace (`tyst.node.openvpn.confine`)."""

NO_FOLDER = "/dev/net/tun"
"""openvpn checks at its start that its folder for temporary files is writable, though nothing of ours uses one. This
passes the check and is no folder, so that a temporary file can't come into being at all."""

PING_SECONDS, GONE_SECONDS = 10, 60


@dataclass(frozen=True)
class Range:
    """The tunnel addresses of one server process: a /16 of 10.1.0.0 … 10.15.0.0 and an /80 of OpenVPN's own /64.

    Each process has its own tun device, so each needs prefixes of its own.
    """

    index: int

    def __post_init__(self) -> None:
        if not 0 <= self.index < MAX_PROCESSES:
            raise ValueError("a node runs at most 15 OpenVPN processes")

    @property
    def net4(self) -> IPv4Network:
        return IPv4Network(f"10.{self.index + 1}.0.0/16")

    @property
    def net6(self) -> IPv6Network:
        return IPv6Network((int(OPENVPN6.network_address) | (self.index + 1) << 48, 80))

    @property
    def gateway4(self) -> IPv4Address:
        return self.net4[1]

    @property
    def gateway6(self) -> IPv6Address:
        return self.net6[1]

    @property
    def device(self) -> str:
        """The tun device's name: the index is its own, so that two processes never meet on one device."""
        return f"ov-tyst{self.index}"

    def pick(self, number: int) -> "Pair":
        """The pair that belongs to a random number (64 bits). Never the network, the gateway or the broadcast."""
        four = 2 + number % (self.net4.num_addresses - 3)
        return Pair(self.net4[four], self.net6[2 + (number >> 16) % ((1 << 48) - 3)])


@dataclass(frozen=True)
class Pair:
    """The tunnel addresses of one client."""

    four: IPv4Address = field(repr=False)
    six: IPv6Address = field(repr=False)


@dataclass(frozen=True)
class Server:
    """One server process. Texts are PEM."""

    range: Range
    protocol: Protocol
    port: int
    certificate_pem: str
    key_pem: str = field(repr=False)
    authority_pem: str
    tls_crypt: str = field(repr=False)


def server_text(value: Server) -> str:
    """The configuration, for openvpn's standard input."""
    return "\n".join([*_who(value), *_security(), *_habits(), *_pushed(value), ""]) + _inline(value)


def client_options(span: Range, pair: Pair, framing: Framing = Framing.NONE) -> list[str]:
    """What one client gets beside the common options: its addresses, and nothing that tells clients apart.

    `framing`: for an account with the compression setting, both ends mark packets as not compressed, which is what
    programs with `comp-lzo` or `compress` in an old configuration expect. Nothing is ever compressed by the server
    (`allow-compression no`), and the client is told not to.
    """
    options = [
        f"ifconfig-push {pair.four} {span.net4.netmask}",
        f"ifconfig-ipv6-push {IPv6Interface((pair.six, 80))} {span.gateway6}",
    ]
    if framing is not Framing.NONE:
        options += [framing.value, f'push "{framing.value}"']
    return options


def _who(value: Server) -> list[str]:
    span, transport = value.range, "udp6" if value.protocol == "udp" else "tcp6-server"
    family = ["multihome", "fast-io", "explicit-exit-notify 1"] if value.protocol == "udp" else ["tcp-nodelay"]
    return [
        "mode server",
        "tls-server",
        f"proto {transport}",
        f"port {value.port}",
        *family,
        f"dev {span.device}",
        "dev-type tun",
        "topology subnet",
        f"ifconfig {span.gateway4} {span.net4.netmask}",
        f"ifconfig-ipv6 {IPv6Interface((span.gateway6, 80))} {span.net6[2]}",
        "ifconfig-noexec",
        "route-noexec",
    ]


def _security() -> list[str]:
    return [
        "dh none",
        "verify-client-cert none",
        "duplicate-cn",
        "tls-version-min 1.2",
        f"data-ciphers {DATA_CIPHERS}",
        "allow-compression no",
        "reneg-sec 0",
        "script-security 0",
    ]


def _habits() -> list[str]:
    return [
        f"management {MANAGEMENT} unix",
        "management-client",
        "management-client-auth",
        "management-hold",
        "management-log-cache 1",
        "verb 0",
        f"tmp-dir {NO_FOLDER}",
        "persist-tun",
        "persist-key",
        f"max-clients {MAX_CLIENTS}",
        f"ping {PING_SECONDS}",
        f"ping-restart {GONE_SECONDS}",
        "sndbuf 1048576",
        "rcvbuf 1048576",
    ]


def _pushed(value: Server) -> list[str]:
    """Host routes for resolver and notice page: a customer at home in 10.0.0.0/24 would ask a neighbour otherwise."""
    options = [
        "topology subnet",
        f"route-gateway {value.range.gateway4}",
        "redirect-gateway def1 ipv6",
        *(f"route {face.four} 255.255.255.255" for face in FACES),
        f"route {NOTICE4} 255.255.255.255",
        f"dhcp-option DNS {RESOLVER4}",
        f"dhcp-option DNS {RESOLVER6}",
        "block-outside-dns",
        f"ping {PING_SECONDS}",
        f"ping-restart {GONE_SECONDS}",
    ]
    if value.protocol == "udp":
        options.append("explicit-exit-notify 1")
    return [f'push "{option}"' for option in options]


def _inline(value: Server) -> str:
    blocks = {
        "ca": value.authority_pem,
        "cert": value.certificate_pem,
        "key": value.key_pem,
        "tls-crypt": value.tls_crypt,
    }
    return "".join(f"<{tag}>\n{text.strip()}\n</{tag}>\n" for tag, text in blocks.items())
