"""The gate's door, from outside: the real process, real TLS, nodes that behave and one that does not."""

import asyncio
import contextlib
import os
import signal
import time
from pathlib import Path

import pytest

from tests.contract.gate_cast import Node, Provider, Visitor
from tyst.core.tags import opener_of, tag_of
from tyst.gate.identity import Role
from tyst.messages.admission import Admission, AdmitKey, Verdict, Why
from tyst.messages.devices import BatchDone, DevicesOf, DropDevices, Dropped, RunBatch


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


async def test_who_leaves_has_no_flag_that_the_next_batch_could_set(
    provider: Provider, sto: Node, site: Visitor
) -> None:
    operator = provider.visitor(Role.OPERATOR)
    alice, bob = provider.customer("alice"), provider.customer("bob")
    for one in (alice, bob):
        assert (await sto.connect(one.device)).verdict is Verdict.OPEN
    assert (await site.post("drop", DropDevices(provider.session(alice), leaving=True))).as_(Dropped).count == 1
    assert (await operator.post("batch", RunBatch())).as_(BatchDone).changed == 1
    flags = provider.sql("SELECT username, has_connected FROM account ORDER BY username")
    assert flags == [("alice", 0), ("bob", 1)]
    await operator.close()


async def test_nobody_asks_for_devices_without_alices_session_or_too_often(provider: Provider, site: Visitor) -> None:
    alice = provider.customer("alice")
    assert (await site.post("devices", DevicesOf(os.urandom(60)))).refusal.code == "session"
    session = provider.session(alice)
    answers = [(await site.post("devices", DevicesOf(session))).status for _ in range(80)]
    assert answers[:50] == [200] * 50 and 429 in answers
    provider.sql("DELETE FROM account")
    await asyncio.sleep(1.1)
    assert (await site.post("devices", DevicesOf(session))).refusal.code == "session"


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
