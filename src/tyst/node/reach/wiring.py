"""Chooses the relays of a node: WireGuard inside TLS always, OpenVPN inside Shadowsocks where there is OpenVPN."""

import time

from tyst.core import reach
from tyst.messages.fleet import Announced, NodeSecrets
from tyst.node.openvpn.wiring import pem
from tyst.node.reach.relay import Program, Relay


def build(announced: Announced, secrets: NodeSecrets, *, wireguard: int, openvpn: bool) -> list[Relay]:
    """The relays, for a node that the gate has announced itself to. They serve what listens on loopback already."""
    programs = [tls(announced, secrets, wireguard), *([shadowsocks(announced)] if openvpn else [])]
    return [Relay(program, time.monotonic) for program in programs]


def tls(announced: Announced, secrets: NodeSecrets, wireguard: int) -> Program:
    """WireGuard inside TLS, with the node's OpenVPN certificate: customers know its authority already."""
    identity = pem(announced.openvpn_certificate, "CERTIFICATE") + pem(secrets.openvpn_key, "PRIVATE KEY")
    return Program(
        "socat",
        reach.TLS_USER,
        reach.TLS_IDLE,
        lambda files: reach.tls_words(files["identity"], wireguard),
        {"identity": identity},
    )


def shadowsocks(announced: Announced) -> Program:
    """OpenVPN inside Shadowsocks."""
    return Program(
        "ss-server",
        reach.SHADOWSOCKS_USER,
        reach.SHADOWSOCKS_IDLE,
        lambda files: reach.shadowsocks_words(files["config"], files["rules"]),
        {"config": reach.shadowsocks_config(announced.tls_crypt), "rules": reach.shadowsocks_rules()},
    )
