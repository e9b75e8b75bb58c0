"""Ways to a node where UDP is blocked: which programs, on which ports, with which words, at both ends.

WireGuard goes inside TLS, by one socat at each end: a datagram becomes one TLS record, and a record one datagram again
(SSL_read(3): never more than one record), so WireGuard itself needs no change. OpenVPN over TCP goes inside
Shadowsocks. Both hide a protocol from whoever filters it, and protect nothing: that is WireGuard's and OpenVPN's own
business. Texts only; `node.reach` runs the node's end, `core.firewall.reach` has its rules, the site shows the
customer's.
"""

import hashlib
import json
from base64 import urlsafe_b64encode
from ipaddress import IPv4Address, IPv4Network

TLS_PORT = 8443
"""Not 443, which OpenVPN has: it is the port that people know. 8443 is HTTPS's usual second one."""
SHADOWSOCKS_PORT = 8388
"""The one that Shadowsocks' own documents use: networks that let it through at all know it."""
PORTS = (TLS_PORT, SHADOWSOCKS_PORT)
TLS_USER, SHADOWSOCKS_USER = 64300, 64301
"""User and group numbers of the two programs at the node; OpenVPN's are 64200 and up."""
TLS_IDLE, SHADOWSOCKS_IDLE = 3, 2
"""Sockets that each has open while it serves nobody: one or two listen; socat has a pair to hear of its children."""

CLIENTS_AT_ONCE = 256
IDLE_SECONDS = 180
"""As long as WireGuard keeps a silent peer: then nothing of it is left here either."""
SHAKE_SECONDS = 10
STALE_SECONDS = 60
"""OpenVPN says something every 10 s. A request that was refused stays open for so long."""
METHOD = "chacha20-ietf-poly1305"
NODE_LOOPBACK = IPv4Address("127.0.0.1")
NEAR_PORT = 51821
"""Where WireGuard at the customer's finds its end of the wrap."""
SOCKS_PORT = 1080

_LISTEN = (
    "pf=ip6",
    "ipv6-v6only=0",
    "fork",
    "reuseaddr",
    "nodelay",
    f"max-children={CLIENTS_AT_ONCE}",
    "verify=0",
    "openssl-min-proto-version=TLS1.3",
    # A handshake that stands still ends: SOL_SOCKET (1), SO_RCVTIMEO (20), a struct timeval of two longs.
    f"setsockopt-bin=1:20:l{SHAKE_SECONDS}l0",
)


def password(tls_crypt: str) -> str:
    """The fleet's Shadowsocks password: 22 characters that everybody may know, from the key that every profile holds.

    Of the key file its lines count, less comments and empty ones: a profile leaves those out.
    """
    lines = [line.strip() for line in tls_crypt.splitlines() if line.strip() and not line.startswith("#")]
    digest = hashlib.blake2s("\n".join(lines).encode(), digest_size=16, person=b"reach-ss").digest()
    return urlsafe_b64encode(digest).rstrip(b"=").decode()


# --- at the node ----------------------------------------------------------------------------------------------------


def tls_words(identity: str, wireguard: int) -> list[str]:
    """socat's arguments. `identity`: a file with the node's OpenVPN certificate and its key. Without `-d` it says only
    what went wrong."""
    listening = ",".join((f"OPENSSL-LISTEN:{TLS_PORT}", *_LISTEN, f"cert={identity}", f"key={identity}"))
    return ["-T", str(IDLE_SECONDS), listening, f"UDP4:{NODE_LOOPBACK}:{wireguard}"]


def shadowsocks_words(config: str, rules: str) -> list[str]:
    """ss-server's arguments: two files. Without `-v` it names nobody; without `-f` it knows no system log."""
    return ["-c", config, "--acl", rules]


def shadowsocks_config(tls_crypt: str) -> str:
    """ss-server's configuration file. No UDP, and name servers that don't exist: it resolves nothing."""
    return json.dumps(
        {
            "server": ["0.0.0.0", "::"],
            "server_port": SHADOWSOCKS_PORT,
            "password": password(tls_crypt),
            "method": METHOD,
            "mode": "tcp_only",
            "no_delay": True,
            "timeout": STALE_SECONDS,
            "nameserver": "127.0.0.255",
        }
    )


def shadowsocks_rules() -> str:
    """Its access list: every destination but the node's own loopback address is blocked, and every name.

    ss-server knows a list of blocked destinations only, so all the others are written out. Ports it doesn't know: the
    firewall says that its user may reach OpenVPN's alone.
    """
    others = IPv4Network("0.0.0.0/0").address_exclude(IPv4Network(NODE_LOOPBACK))
    return "\n".join(["[outbound_block_list]", *map(str, sorted(others)), "::/0", r"^.*[^0-9.].*$", ""])


# --- at the customer's ----------------------------------------------------------------------------------------------


def route_command(node: IPv4Address) -> str:
    """The relay's own packets must not go into the tunnel that they carry: the node keeps the way that it has now."""
    return f"sudo ip route replace {node} $(ip -4 route show default | head -n 1 | cut -d ' ' -f 2-5)"


def tls_command(node: IPv4Address, server_name: str, authority: str) -> str:
    """The customer's end of the wrap. `authority`: the file with the fleet's OpenVPN authority."""
    near = f"UDP4-LISTEN:{NEAR_PORT},bind=127.0.0.1,fork,reuseaddr"
    far = f"OPENSSL:{node}:{TLS_PORT},nodelay,cafile={authority},commonname={server_name}"
    return f"socat -T {IDLE_SECONDS} {near} {far},openssl-min-proto-version=TLS1.3"


def endpoint_command(name: str) -> str:
    """Makes the wrapped variant of a downloaded WireGuard config."""
    return f"sed 's/^Endpoint = .*/Endpoint = 127.0.0.1:{NEAR_PORT}/' {name}.conf > {name}-tls.conf"


def shadowsocks_command(node: IPv4Address, tls_crypt: str) -> str:
    """The customer's end of Shadowsocks: a SOCKS proxy on her own loopback."""
    where = f"-s {node} -p {SHADOWSOCKS_PORT} -l {SOCKS_PORT}"
    return f"ss-local {where} -k {password(tls_crypt)} -m {METHOD}"
