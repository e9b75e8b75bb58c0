"""Everything that is sold, shown with stock clients, over WireGuard and over OpenVPN: the steps of `--all`.

A walk of its own in a lab of its own, behind the plain journey. Each step leaves her machine as it found it, so that
the next is judged by itself. What is tried is in `features_*.py`; who tries it is a `Guest`.
"""

from collections.abc import Callable
from functools import partial

from tyst.journey import features_manager, features_names, features_reach, features_tunnel, features_ways
from tyst.journey.cast import Cast
from tyst.journey.guest import PROTOCOLS, Guest

Step = tuple[str, Callable[[], str]]
Feature = Callable[[Guest, str], str]

BEFORE: tuple[tuple[str, Feature], ...] = (
    ("the client imports the file without a warning", features_tunnel.imports),
    ("NetworkManager imports the file", features_manager.imports),
    ("exit address, names by the tunnel alone, no packet beside it", features_tunnel.exits),
    ("IPv6 as the account says", features_tunnel.six_by_flag),
    ("multihop: in at one node, out at another", features_ways.multihop),
    ("a forwarded port is reached from outside", features_ways.forwarded_port),
    ("a public IPv4 address of her own", features_ways.public_ipv4),
    ("names: plain, clean and family faces", features_names.faces),
    ("names: another resolver's questions are answered by ours", features_names.other_resolver),
    ("names: DNS over TLS and HTTPS", features_names.encrypted),
    ("streaming leaves by its own address", features_names.streaming),
    ("kill switch: the server is killed", features_tunnel.kill_switch),
)


def steps(cast: Cast) -> list[Step]:
    """All of them, in order."""
    guest, other = Guest(cast, "alice"), Guest(cast, "bob")
    return [
        ("a customer with both add-ons takes her files", partial(features_tunnel.joins, guest)),
        ("another customer's month ends", partial(features_tunnel.lapses, other)),
        ("the operator publishes lists of names", partial(features_names.published, cast)),
        ("WireGuard: the QR code is the file", partial(features_tunnel.code_is_file, guest)),
        *(
            (f"{protocol}: {name}", partial(feature, guest, protocol))
            for name, feature in BEFORE
            for protocol in PROTOCOLS
        ),
        ("WireGuard: failures are told apart", partial(features_tunnel.fails_wireguard, other)),
        ("OpenVPN: failures are told apart", partial(features_tunnel.fails_openvpn, guest, other)),
        ("WireGuard: a preshared key", partial(features_tunnel.preshared, guest)),
        ("OpenVPN: compression as the account says", partial(features_tunnel.compression, guest)),
        ("UDP is blocked, and nothing comes through", partial(features_reach.blocked, guest)),
        ("UDP is blocked: OpenVPN over TCP", partial(features_reach.tcp, guest)),
        ("UDP is blocked: WireGuard inside TLS", partial(features_reach.tls, guest)),
        ("UDP is blocked: OpenVPN inside Shadowsocks", partial(features_reach.shadowsocks, guest)),
        ("OpenVPN: devices returns to 0", partial(features_tunnel.devices_return, guest, "OpenVPN")),
        ("WireGuard: devices returns to 0", partial(features_tunnel.devices_return, guest, "WireGuard")),
    ]
