"""The gate's door, from outside: the real process, real TLS, nodes that behave and one that does not."""

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from tests.contract.gate_cast import Node, Provider, Visitor, request
from tyst.core.tags import opener_of, tag_of
from tyst.fleet import nodes as fleet_nodes
from tyst.gate.identity import Role
from tyst.messages.admission import Admission, AdmitKey, Confirm, Verdict, Why
from tyst.messages.codec import MAX_BYTES, decode, encode
from tyst.messages.devices import BatchDone, DevicesOf, DropDevices, Dropped, RunBatch
from tyst.messages.fleet import Announce, Announced, Enrol, Identity, NodeSecrets, RenewIdentity


@pytest.fixture
def provider(tmp_path: Path) -> Iterator[Provider]:
    one = Provider(tmp_path / "state")
    one.start()
    yield one
    if one.process is not None:
        one.stop()
    assert one.said() == b""
    one.output.close()


@pytest.fixture
async def sto(provider: Provider) -> AsyncIterator[Node]:
    node = await provider.node("se-sto")
    yield node
    await node.close()


@pytest.fixture
async def fra(provider: Provider) -> AsyncIterator[Node]:
    node = await provider.node("de-fra")
    yield node
    await node.close()


@pytest.fixture
async def site(provider: Provider) -> AsyncIterator[Visitor]:
    visitor = provider.visitor(Role.SITE)
    yield visitor
    await visitor.close()


async def test_alices_key_opens_a_tunnel_and_takes_a_slot_only_when_confirmed(
    provider: Provider, sto: Node, site: Visitor
) -> None:
    alice = provider.customer("alice")
    admission = await sto.admit(alice.device)
    assert admission.verdict is Verdict.OPEN and admission.features.ipv6 and not admission.features.compression
    assert await site.devices(alice) == 0
    confirmed = await sto.confirm(admission)
    assert confirmed.verdict is Verdict.OPEN and confirmed.lease != admission.lease
    assert await site.devices(alice) == 1
    assert (await sto.renew(confirmed.lease)).ended == []
    assert (await sto.renew(returned=(confirmed.lease,))).ended == []
    assert await site.devices(alice) == 0


async def test_a_key_without_a_record_gets_nothing(sto: Node) -> None:
    assert (await sto.admit(os.urandom(32))).verdict is Verdict.UNKNOWN


async def test_mallory_who_knows_the_tag_but_not_the_key_gets_nothing(provider: Provider, sto: Node) -> None:
    alice = provider.customer("alice")
    asked = AdmitKey(tag_of(alice.device), opener_of(os.urandom(32)))
    assert (await sto.post("admit/key", asked)).as_(Admission).verdict is Verdict.UNKNOWN


async def test_an_expired_account_lands_in_the_garden_and_a_deleted_one_nowhere(provider: Provider, sto: Node) -> None:
    bob = provider.customer("bob", until="2020-01-01 23:59:59")
    charlie = provider.customer("charlie", until=None)
    for one in (bob, charlie):
        admission = await sto.admit(one.device)
        assert (admission.verdict, admission.why, admission.lease) == (Verdict.GARDEN, Why.EXPIRED, b"")
    provider.sql("DELETE FROM account WHERE username = 'bob'")
    assert (await sto.admit(bob.device)).verdict is Verdict.UNKNOWN


async def test_a_confirmation_whose_answer_was_lost_is_repeated_and_takes_no_second_slot(
    provider: Provider, sto: Node, site: Visitor
) -> None:
    alice = provider.customer("alice")
    admission = await sto.admit(alice.device)
    await sto.confirm(admission)
    assert (await sto.confirm(admission)).verdict is Verdict.OPEN
    assert await site.devices(alice) == 1


async def test_only_the_newest_provisional_lease_of_a_key_can_be_confirmed(provider: Provider, sto: Node) -> None:
    alice = provider.customer("alice")
    older, newer = await sto.admit(alice.device), await sto.admit(alice.device)
    assert (await sto.confirm(older)) == Admission(Verdict.BUSY, Why.BUSY)
    assert (await sto.confirm(newer)).verdict is Verdict.OPEN


async def test_a_fifth_device_is_refused_and_a_quiet_one_yields(provider: Provider, sto: Node, site: Visitor) -> None:
    alice = provider.customer("alice")
    leases = [(await sto.login(*provider.credential(alice))).lease for _ in range(4)]
    fifth = await sto.admit(alice.device)
    assert (fifth.verdict, fifth.why) == (Verdict.GARDEN, Why.SLOTS)
    await sto.renew(leases[2], quiet=True)
    assert (await sto.connect(alice.device)).verdict is Verdict.OPEN
    assert await site.devices(alice) == 4
    ended = (await sto.renew(*leases)).ended
    assert [(one.index, one.why) for one in ended] == [(2, Why.SLOTS)]


async def test_two_nodes_race_for_the_last_slot_and_one_wins(provider: Provider, sto: Node, fra: Node) -> None:
    alice = provider.customer("alice")
    other = os.urandom(32)
    provider.register(alice, other)
    for _ in range(3):
        await sto.login(*provider.credential(alice))
    first, second = await sto.admit(alice.device), await fra.admit(other)
    verdicts = [one.verdict for one in await asyncio.gather(sto.confirm(first), fra.confirm(second))]
    assert sorted(verdicts) == [Verdict.GARDEN, Verdict.OPEN]


async def test_alices_password_opens_and_a_wrong_one_or_an_unknown_name_does_not(provider: Provider, sto: Node) -> None:
    alice = provider.customer("alice")
    assert (await sto.login("ALICE", alice.password)).verdict is Verdict.OPEN
    wrong, nobody = await sto.login("alice", "wrong"), await sto.login("nobody", alice.password)
    assert wrong == nobody == Admission(Verdict.REFUSED, Why.LOGIN)


async def test_a_forged_credential_is_refused(provider: Provider, sto: Node) -> None:
    alice = provider.customer("alice")
    name, secret = provider.credential(alice)
    assert (await sto.login(name, secret[:-1] + ("A" if secret[-1] != "A" else "B"))).verdict is Verdict.REFUSED


async def test_a_login_sealed_at_one_node_is_worthless_at_another(provider: Provider, sto: Node, fra: Node) -> None:
    alice = provider.customer("alice")
    fra.name = "se-sto"
    assert (await fra.login(*provider.credential(alice))).why is Why.LOGIN


async def test_a_rogue_node_cannot_use_another_nodes_lease(
    provider: Provider, sto: Node, fra: Node, site: Visitor
) -> None:
    alice = provider.customer("alice")
    admission = await sto.admit(alice.device)
    assert (await fra.confirm(admission)).verdict is Verdict.UNKNOWN
    lease = (await sto.confirm(admission)).lease
    assert [one.why for one in (await fra.renew(lease)).ended] == [Why.GONE]
    await fra.renew(returned=(lease,))
    assert await site.devices(alice) == 1
    assert (await sto.renew(lease)).ended == []


@pytest.mark.parametrize(
    ("statement", "why"),
    [
        ("DELETE FROM account WHERE username = 'alice'", Why.GONE),
        ("UPDATE account SET handle = randomblob(16) WHERE username = 'alice'", Why.GONE),
        ("UPDATE account SET subscription = '2020-01-01 23:59:59' WHERE username = 'alice'", Why.EXPIRED),
        ("DELETE FROM key_record", Why.GONE),
    ],
    ids=["deleted", "re-keyed", "expired", "key revoked"],
)
async def test_a_renewal_ends_the_tunnel_of(provider: Provider, sto: Node, statement: str, why: Why) -> None:
    alice = provider.customer("alice")
    bob = provider.customer("bob")
    lease = (await sto.connect(alice.device)).lease
    bobs = (await sto.login(*provider.credential(bob))).lease
    assert (await sto.renew(lease, bobs)).ended == []
    provider.sql(statement)
    assert [(one.index, one.why) for one in (await sto.renew(bobs, lease)).ended] == [(1, why)]


async def test_disconnect_all_ends_every_tunnel_at_its_next_renewal(
    provider: Provider, sto: Node, fra: Node, site: Visitor
) -> None:
    alice = provider.customer("alice")
    here, there = (await sto.connect(alice.device)).lease, (await fra.login(*provider.credential(alice))).lease
    assert (await site.post("drop", DropDevices(provider.session(alice)))).as_(Dropped).count == 2
    assert await site.devices(alice) == 0
    assert [one.why for one in (await sto.renew(here)).ended + (await fra.renew(there)).ended] == [Why.GONE] * 2
    assert (await sto.connect(alice.device)).verdict is Verdict.OPEN


async def test_nobody_asks_for_devices_without_alices_session_or_too_often(provider: Provider, site: Visitor) -> None:
    alice = provider.customer("alice")
    assert (await site.post("devices", DevicesOf(os.urandom(60)))).refusal.code == "session"
    session = provider.session(alice)
    answers = [(await site.post("devices", DevicesOf(session))).status for _ in range(80)]
    assert answers[:50] == [200] * 50 and 429 in answers
    provider.sql("DELETE FROM account")
    await asyncio.sleep(1.1)
    assert (await site.post("devices", DevicesOf(session))).refusal.code == "session"


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
    before = _resident(provider.process.pid)
    for _ in range(60):
        assert (await sto.post("admit/key", os.urandom(4000))).refusal.code == "form"
        assert (await sto.post("enrol", os.urandom(16_000))).refusal.code == "form"
    for _ in range(5):
        assert (await sto.post("renew", bytes(MAX_BYTES - 1))).refusal.code == "form"
    assert _resident(provider.process.pid) < before + (12 << 20)
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


async def test_the_daily_batch_flips_the_flag_once_and_leaves_no_other_trace(provider: Provider, sto: Node) -> None:
    alice = provider.customer("alice")
    provider.customer("bob")
    provider.sql("INSERT INTO key_record (tag, record, last_month) VALUES (?, x'00', 202001)", os.urandom(16))
    before = provider.sql("SELECT updated_at FROM account ORDER BY username")
    await sto.connect(alice.device)
    assert provider.sql("SELECT has_connected FROM account ORDER BY username") == [(0,), (0,)]
    operator = provider.visitor(Role.OPERATOR)
    assert (await operator.post("batch", RunBatch())).as_(BatchDone).changed == 2
    assert (await operator.post("batch", RunBatch())).as_(BatchDone).changed == 0
    await operator.close()
    assert provider.sql("SELECT has_connected FROM account ORDER BY username") == [(1,), (0,)]
    assert provider.sql("SELECT updated_at FROM account ORDER BY username") == before
    assert provider.sql("SELECT count(*) FROM key_record WHERE last_month = 202001") == [(0,)]


async def test_connecting_using_and_disconnecting_touches_no_file(provider: Provider, sto: Node, site: Visitor) -> None:
    alice = provider.customer("alice")
    before = _files(provider.state)
    lease = (await sto.connect(alice.device)).lease
    other = (await sto.login("alice", alice.password)).lease
    await sto.admit(os.urandom(32))
    await sto.renew(lease, other)
    await site.devices(alice)
    await sto.renew(returned=(lease, other))
    assert _files(provider.state) == before
    provider.sql("UPDATE account SET has_connected = 1")
    assert _files(provider.state) != before


async def test_a_killed_gate_forgets_and_the_counts_rebuild_from_the_renewals(
    provider: Provider, sto: Node, fra: Node, site: Visitor
) -> None:
    alice = provider.customer("alice")
    here = [(await sto.login(*provider.credential(alice))).lease for _ in range(2)]
    there = [(await fra.login(*provider.credential(alice))).lease for _ in range(2)]
    assert await site.devices(alice) == 4
    provider.stop(signal.SIGKILL)
    provider.start()
    for visitor in (sto, fra, site):
        await visitor.close()
    assert await site.devices(alice) == 0
    # A fifth comes before the four have presented themselves again: it is the newest, and the one that ends.
    newcomer = (await fra.connect(alice.device)).lease
    assert (await sto.renew(*here)).ended == []
    assert (await fra.renew(*there)).ended == []
    assert await site.devices(alice) == 4
    assert [(one.index, one.why) for one in (await fra.renew(*there, newcomer)).ended] == [(2, Why.SLOTS)]
    assert await site.devices(alice) == 4


async def test_a_flood_of_unknown_keys_leaves_known_ones_their_place(provider: Provider, sto: Node) -> None:
    alice = provider.customer("alice")

    async def flood() -> list[Verdict]:
        return [(await sto.admit(os.urandom(32))).verdict for _ in range(700)]

    floods = await asyncio.gather(*(flood() for _ in range(5)))
    verdicts = [verdict for one in floods for verdict in one]
    assert set(verdicts) == {Verdict.UNKNOWN, Verdict.BUSY}
    started = time.monotonic()
    assert (await sto.connect(alice.device)).verdict is Verdict.OPEN
    assert time.monotonic() - started < 1


async def test_passwords_queue_and_keys_overtake_them(provider: Provider, sto: Node) -> None:
    alice = provider.customer("alice")
    logins = [asyncio.create_task(sto.login("nobody", "guess")) for _ in range(90)]
    await asyncio.sleep(0.2)
    assert (await sto.connect(alice.device)).verdict is Verdict.OPEN
    assert not all(task.done() for task in logins)
    verdicts = {(await task).verdict for task in logins}
    assert verdicts == {Verdict.REFUSED, Verdict.BUSY}


def _resident(pid: int) -> int:
    fields = Path(f"/proc/{pid}/statm").read_text().split()
    return int(fields[1]) * os.sysconf("SC_PAGESIZE")


def _files(state: Path) -> dict[str, tuple[int, int, int]]:
    stats = {path.name: path.stat() for path in state.iterdir()}
    return {name: (one.st_mtime_ns, one.st_size, one.st_ino) for name, one in stats.items()}


async def test_what_a_customer_did_leaves_the_gates_memory_with_her(
    provider: Provider, sto: Node, site: Visitor
) -> None:
    marked, device = provider.customer("Marked.Alice"), os.urandom(32)
    tag = provider.register(marked, device)
    name, secret = provider.credential(marked)
    leases = [(await sto.connect(device)).lease, (await sto.login(name, secret)).lease]
    leases.append((await sto.login("Marked.Alice", marked.password)).lease)
    await sto.login("Marked.Alice", "a marked password")
    await sto.renew(*leases)
    await site.devices(marked)
    marks = [b"Marked.Alice", b"a marked password", marked.handle, tag, opener_of(device), leases[1][-60:]]
    assert provider.process is not None
    memory = _memory(provider.process.pid)
    assert {b"Marked.Alice", marked.handle, tag} <= {mark for mark in marks if mark in memory}
    await sto.renew(returned=tuple(leases))
    operator = provider.visitor(Role.OPERATOR)
    await operator.post("batch", RunBatch())
    await operator.close()
    provider.sql("DELETE FROM account")
    provider.sql("DELETE FROM key_record")
    deadline = time.monotonic() + 40
    while left := [number for number, mark in enumerate(marks) if mark in _memory(provider.process.pid)]:
        assert time.monotonic() < deadline, f"marks still in memory: {left}"
        await asyncio.sleep(1)


def _memory(pid: int) -> bytes:
    """Everything a process holds in RAM, its view of the records' file included."""
    parts = []
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
            span, rights = line.split()[:2]
            start, end = (int(part, 16) for part in span.split("-"))
            if "r" in rights and not line.endswith(("[vvar]", "[vsyscall]", "[vvar_vclock]")):
                with contextlib.suppress(OSError):
                    memory.seek(start)
                    parts.append(memory.read(end - start))
    return b"".join(parts)


async def test_a_node_in_maintenance_admits_nobody_and_gives_its_tunnels_and_their_slots_up(
    provider: Provider, sto: Node, fra: Node, site: Visitor
) -> None:
    alice, bob, late = provider.customer("alice"), os.urandom(32), os.urandom(32)
    for device in (bob, late):
        provider.register(alice, device)
    lease, provisional = (await sto.connect(bob)).lease, await sto.admit(late)
    name, secret = provider.credential(alice)
    login = (await sto.login(name, secret)).lease
    assert await site.devices(alice) == 2
    fleet_nodes.drain(provider.state, "se-sto", draining=True)
    expected = (Verdict.GARDEN, Why.DRAINING)
    for answer in (await sto.confirm(provisional), await sto.login(name, secret), await sto.admit(os.urandom(32))):
        assert (answer.verdict, answer.why) == expected or answer.verdict is Verdict.UNKNOWN
    assert (await sto.admit(bob)).why is Why.DRAINING
    ended = (await sto.renew(lease, login)).ended
    assert {(one.index, one.why) for one in ended} == {(0, Why.DRAINING), (1, Why.DRAINING)}
    assert await site.devices(alice) == 0
    assert (await fra.connect(bob)).verdict is Verdict.OPEN
    fleet_nodes.drain(provider.state, "se-sto", draining=False)
    assert (await sto.connect(late)).verdict is Verdict.OPEN


async def test_a_large_node_is_not_emptied_all_at_once(provider: Provider, sto: Node) -> None:
    devices = [os.urandom(32) for _ in range(3)]
    for number, device in enumerate(devices):
        provider.register(provider.customer(f"alice{number}"), device)
    leases = [(await sto.connect(device)).lease for device in devices]
    fleet_nodes.drain(provider.state, "se-sto", draining=True)
    ended = (await sto.renew(*leases * 400)).ended
    assert len({one.index for one in ended if one.why is Why.DRAINING}) == 300, "a quarter of twelve hundred"
