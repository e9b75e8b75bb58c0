"""The parts as the node gets them: which processes, which texts, which seal."""

import ssl
from pathlib import Path
from typing import cast

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from tyst.core.seal import Kind, Reason, SealError, open_sealed_to
from tyst.core.transient import Transient
from tyst.messages.admission import Login
from tyst.messages.codec import decode
from tyst.messages.fleet import Announced, NodeSecrets
from tyst.node.doors import DoorContext, VpnDoor
from tyst.node.egress import plain
from tyst.node.openvpn.wiring import build, pem, seal_login, servers

GATE = X25519PrivateKey.generate()


class Nobody:
    """Stands where a part isn't used."""


def context(processes: int = 1) -> DoorContext:
    announced = Announced(b"cert", b"ca", "static", GATE.public_key().public_bytes_raw(), "https://tyst.test")
    nobody = cast(object, Nobody())
    return DoorContext(
        "se-sto", "eth0", Path("/run"), announced, NodeSecrets(bytes(32), b"key"), nobody, nobody, nobody, plain,  # type: ignore[arg-type]
        processes=processes,
    )  # fmt: skip


def test_a_node_has_one_udp_and_one_tcp_process_and_more_on_request() -> None:
    assert [(s.range.device, s.protocol, s.port) for s in servers(context())] == [
        ("ov-tyst0", "udp", 1194),
        ("ov-tyst1", "tcp", 443),
    ]
    assert [(s.range.device, s.protocol, s.port) for s in servers(context(3))][2:] == [
        ("ov-tyst2", "udp", 1195),
        ("ov-tyst3", "udp", 1196),
    ]


def test_what_is_built_is_a_vpn_door_that_holds_nothing_yet() -> None:
    door: VpnDoor = build(context())
    assert door.held() == []


def test_only_the_gate_reads_a_login_and_only_as_this_nodes() -> None:
    sealed = seal_login(GATE.public_key().public_bytes_raw(), "se-sto", Transient("alice"), Transient("pässword"))
    keys, now = (GATE.private_bytes_raw(),), 0
    body = open_sealed_to(keys, Kind.LOGIN, sealed, context=b"se-sto", now=now)
    assert decode(body, Login) == Login("alice", "pässword")
    assert b"alice" not in sealed
    with pytest.raises(SealError) as refused:
        open_sealed_to(keys, Kind.LOGIN, sealed, context=b"de-fra", now=now)
    assert refused.value.reason is Reason.DAMAGED


def test_pem_is_what_the_standard_library_writes() -> None:
    der = bytes(range(200))
    assert pem(der, "CERTIFICATE") == ssl.DER_cert_to_PEM_cert(der)
