"""Who may use which path of the gate, how nodes join and leave, and what strangers get: nothing."""

import asyncio
import os
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from tests.contract.gate_cast import Node, Provider, Visitor, request, resident
from tyst.fleet import nodes as fleet_nodes
from tyst.gate.identity import Role
from tyst.messages.admission import AdmitKey, Confirm, Verdict
from tyst.messages.codec import MAX_BYTES, decode, encode
from tyst.messages.devices import DevicesOf, RunBatch
from tyst.messages.fleet import Announce, Announced, Enrol, Identity, NodeSecrets, RenewIdentity


async def test_each_path_belongs_to_one_role(provider: Provider, sto: Node, site: Visitor) -> None:
    alice = provider.customer("alice")
    operator, stranger = provider.visitor(Role.OPERATOR), provider.visitor()
    assert (await sto.post("devices", DevicesOf(provider.session(alice)))).refusal.code == "role"
    assert (await site.post("admit/key", AdmitKey(bytes(16), bytes(32)))).refusal.code == "role"
    assert (await site.post("batch", RunBatch())).refusal.code == "role"
    assert (await operator.post("renew", b"\x80")).refusal.code == "role"
    assert (await stranger.post("renew", b"\x80")).refusal.code == "certificate"
    assert (await stranger.post("nothing", b"")).refusal.code == "path"
    await operator.close()
    await stranger.close()


async def test_mallorys_own_certificate_does_not_even_finish_the_handshake(provider: Provider, tmp_path: Path) -> None:
    mallorys = await asyncio.to_thread(Provider, tmp_path / "mallory")
    visitor = provider.visitor()
    visitor.context.load_cert_chain(mallorys.state / "site.crt", mallorys.state / "site.key")
    with pytest.raises(aiohttp.ClientError):
        await visitor.post("devices", b"")
    await visitor.close()
    mallorys.output.close()


async def test_a_token_is_good_once_and_for_its_own_node(provider: Provider) -> None:
    provider.add_node("se-sto")
    token = provider.join_token("se-sto")
    node = Node(provider, "se-sto")
    assert (await node.enrol(token)).name == "se-sto"
    stranger = provider.visitor()
    again = await stranger.post("enrol", Enrol(token.sealed, request(ec.generate_private_key(ec.SECP256R1()))))
    assert again.refusal.code == "token"
    forged = await stranger.post("enrol", Enrol(os.urandom(80), request(ec.generate_private_key(ec.SECP256R1()))))
    assert forged.refusal.code == "token"
    await stranger.close()


async def test_a_bad_request_does_not_spend_the_token(provider: Provider) -> None:
    provider.add_node("se-sto")
    token = provider.join_token("se-sto")
    stranger = provider.visitor()
    assert (await stranger.post("enrol", Enrol(token.sealed, b"no request"))).refusal.code == "request"
    await stranger.close()
    await Node(provider, "se-sto").enrol(token)


async def test_a_node_that_enrols_again_gets_its_secrets_back(provider: Provider, sto: Node) -> None:
    assert sto.enrolled is not None and sto.enrolled.secrets == b""
    reborn = Node(provider, "se-sto")
    enrolled = await reborn.enrol()
    assert decode(enrolled.secrets, NodeSecrets) == sto.secrets()
    stored = provider.sql("SELECT wireguard_public, key_blob FROM node")[0]
    assert stored[0] == sto.wireguard.public_key().public_bytes_raw()
    assert sto.secrets().wireguard_private not in bytes(stored[1])  # type: ignore[arg-type]


async def test_secrets_that_do_not_fit_their_public_keys_are_refused(provider: Provider, sto: Node) -> None:
    asked = Announce(os.urandom(32), request(sto.openvpn), encode(sto.secrets()))
    assert (await sto.post("announce", asked)).refusal.code == "keys"


async def test_what_a_node_learns_when_it_announces_itself(provider: Provider, sto: Node) -> None:
    told = sto.announced
    assert told is not None and told.site == "https://tyst.test" and told.site_addresses == ["198.18.1.10"]
    certificate = x509.load_der_x509_certificate(told.openvpn_certificate)
    certificate.verify_directly_issued_by(x509.load_der_x509_certificate(told.openvpn_authority))
    assert certificate.subject.rfc4514_string() == "CN=se-sto.node.tyst,O=tyst"
    assert "OpenVPN Static key V1" in told.tls_crypt and told.gate_public == provider.site.known["gate"]
    assert told.openvpn_processes == 1
    provider.sql("UPDATE node SET openvpn_processes = 3 WHERE name = 'se-sto'")
    public = sto.wireguard.public_key().public_bytes_raw()
    asked = Announce(public, request(sto.openvpn), encode(sto.secrets()))
    assert (await sto.post("announce", asked)).as_(Announced).openvpn_processes == 3


async def test_an_identity_is_renewed_and_tells_no_minute(provider: Provider, sto: Node) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    fresh = (await sto.post("identity", RenewIdentity(request(key, "de-fra")))).as_(Identity)
    parsed = x509.load_der_x509_certificate(fresh.certificate)
    assert "CN=se-sto,OU=node" in parsed.subject.rfc4514_string()
    start, end = parsed.not_valid_before_utc, parsed.not_valid_after_utc
    assert all((moment.minute, moment.second) == (0, 0) for moment in (start, end))
    assert 24 * 3600 <= (end - datetime.now(UTC)).total_seconds() <= 25 * 3600


async def test_a_revoked_node_is_refused_at_once_on_its_open_connection(provider: Provider, sto: Node) -> None:
    alice = provider.customer("alice")
    lease = (await sto.connect(alice.device)).lease
    fleet_nodes.revoke(provider.state, "se-sto")
    assert (await sto.post("admit/key", AdmitKey(bytes(16), bytes(32)))).refusal.code == "revoked"
    assert (await sto.post("confirm", Confirm(lease))).refusal.code == "revoked"
    assert (await sto.post("renew", b"\x81\xa4held\x90")).refusal.code == "revoked"
    assert provider.sql("SELECT key_blob, wireguard_public FROM node") == [(None, None)]


async def test_garbage_is_refused_without_a_word_and_without_growth(provider: Provider, sto: Node) -> None:
    assert provider.process is not None
    bodies = [b"", b"\xc1", b"\xff" * 1000, b"\xdf\xff\xff\xff\xff", b"\x91" * 4000, encode(RunBatch())]
    for body in bodies:
        assert (await sto.post("admit/key", body)).refusal.code == "form"
    before = resident(provider.process.pid)
    for _ in range(60):
        assert (await sto.post("admit/key", os.urandom(4000))).refusal.code == "form"
        assert (await sto.post("enrol", os.urandom(16_000))).refusal.code == "form"
    for _ in range(5):
        assert (await sto.post("renew", bytes(MAX_BYTES - 1))).refusal.code == "form"
    assert resident(provider.process.pid) < before + (12 << 20)
    assert (await sto.admit(os.urandom(32))).verdict is Verdict.UNKNOWN


async def test_a_body_that_is_too_long_is_cut_off(sto: Node) -> None:
    assert (await sto.post("admit/key", bytes(5000))).refusal.code == "long"


async def test_an_endless_head_is_cut_off(provider: Provider) -> None:
    stranger = provider.visitor()
    _, writer = await asyncio.open_connection(
        "127.0.0.1", provider.port, ssl=stranger.context, server_hostname="gate.tyst.test"
    )
    writer.write(b"POST /v1/enrol HTTP/1.1\r\n")
    with pytest.raises(ConnectionError):
        for _ in range(2_000):
            writer.write(b"x-garbage: " + b"g" * 4_000)
            await writer.drain()
            await asyncio.sleep(0)
    writer.transport.abort()
