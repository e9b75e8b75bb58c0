"""Public addresses: one holder each, whoever comes at the same time; given back they rest, and nothing says whose."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.unit.records.holder import KEY
from tests.unit.records.people import NOW, make
from tyst.core.rounding import end_of_day
from tyst.records.statements import ConflictError, Records, open_records
from tyst.records.where import Where, word

ROOT = Path(__file__).resolve().parents[3]
ALICE, BOB = b"a" * 16, b"b" * 16
STO, FRA = ("192.0.2.32", "192.0.2.33"), ("203.0.113.32",)
RESTED = timedelta(days=8)
PLACE: list[Where] = []
"""Where the running test's records are."""


@pytest.fixture(autouse=True)
def pools(tables: None, where: Where) -> None:
    PLACE[:] = [where]
    from tyst.records.models import Location, Node, NodeAddress

    for number, (name, pool) in enumerate((("se-sto", STO), ("de-fra", FRA)), 1):
        place = Location(slug=name, city=name, country=name[:2])
        place.save(force_insert=True)
        facts: dict[str, Any] = {"ipv4": pool[0], "ipv6": "::1", "number": number, "wireguard_public": bytes(32)}
        Node(name=name, location=place, **facts).save(force_insert=True)
        for address in pool:
            NodeAddress(address=address, node_id=name, use="public").save(force_insert=True)
    NodeAddress(address="192.0.2.20", node_id="se-sto", use="exit").save(force_insert=True)


def paid(name: str, handle: bytes, days: int = 30) -> Any:
    from tyst.records.models import Account

    make(name, handle)
    Account.objects.filter(handle=handle).update(ipv4=end_of_day((NOW + timedelta(days=days)).date()))
    return Account.objects.get(handle=handle)


def take(handle: bytes, node: str = "se-sto", now: datetime = NOW) -> str:
    from tyst.records.reservations import reserve

    return reserve(handle, KEY, node, now, lambda count: 0)


@contextmanager
def gates_view() -> Iterator[Records]:
    opened = open_records(PLACE[0])
    try:
        yield opened
    finally:
        opened.close()


def seen(handle: bytes, node: str = "se-sto") -> str:
    with gates_view() as records:
        return records.public_address(KEY, handle, node)


def sweep(now: datetime) -> int:
    with gates_view() as records:
        return records.daily_batch(
            [], month=202601, shuffle=lambda _: None, owners=KEY, today=int(now.timestamp()) // 86400
        )


def test_alice_has_an_address_of_the_node_she_chose_and_the_gate_finds_it_there() -> None:
    from tyst.records import reservations

    alice = paid("Alice", ALICE)
    assert reservations.held_by(KEY, alice) is None
    assert take(ALICE) == STO[0]
    held = reservations.held_by(KEY, alice)
    assert held is not None and (held.address, held.node) == (STO[0], "se-sto")
    assert seen(ALICE) == STO[0] and seen(ALICE, "de-fra") == ""


def test_a_change_leaves_one_row_and_the_old_address_rests_to_the_end_of_a_day() -> None:
    from tyst.records import reservations
    from tyst.records.models import NodeAddress, PublicAddress

    paid("alice", ALICE)
    assert (take(ALICE), take(ALICE)) == STO, "never the same again"
    assert PublicAddress.objects.count() == 1 and seen(ALICE) == STO[1]
    rests = NodeAddress.objects.get(address=STO[0]).rests
    assert rests == datetime(2026, 3, 8, 23, 59, 59, tzinfo=UTC)
    assert reservations.free_on(NOW) == {"de-fra": 1}
    with pytest.raises(reservations.NoneFreeError):
        take(ALICE)
    assert seen(ALICE) == STO[1], "a refusal changes nothing"
    assert reservations.free_on(NOW + RESTED) == {"se-sto": 1, "de-fra": 1}
    assert take(ALICE, now=NOW + RESTED) == STO[0]
    assert NodeAddress.objects.get(address=STO[0]).rests is None


def test_bob_cannot_have_alices_address_nor_find_it() -> None:
    from tyst.records import reservations

    paid("alice", ALICE)
    bob = paid("bob", BOB)
    take(ALICE, "de-fra")
    with pytest.raises(reservations.NoneFreeError):
        take(BOB, "de-fra")
    assert reservations.held_by(KEY, bob) is None and seen(BOB, "de-fra") == ""


def test_without_the_addon_nobody_gets_an_address() -> None:
    from tyst.records import reservations

    make("alice", ALICE)
    paid("bob", BOB, days=0)
    for handle, now in ((ALICE, NOW), (BOB, NOW + timedelta(days=1)), (b"n" * 16, NOW)):
        with pytest.raises(reservations.NotPaidError):
            take(handle, now=now)
    assert take(BOB), "to the end of its last day"


def test_a_rekey_keeps_the_address_and_a_name_taken_again_inherits_nothing() -> None:
    from tyst.records import erase

    paid("alice", ALICE)
    take(ALICE)
    erase.rekey(ALICE, b"c" * 16, NOW)
    assert seen(b"c" * 16) == STO[0] and seen(ALICE) == ""
    assert erase.delete_account(b"c" * 16, KEY, NOW)
    paid("alice", ALICE)  # in the same hour, even
    assert seen(ALICE) == "" and take(ALICE) == STO[1], "the first one rests"


def test_the_daily_batch_takes_back_what_has_lapsed_and_leaves_no_time_finer_than_a_day() -> None:
    from tyst.records.models import NodeAddress, PublicAddress

    paid("alice", ALICE, days=2)
    paid("bob", BOB, days=40)
    take(ALICE)
    take(BOB)
    assert sweep(NOW + timedelta(days=2)) == 0, "her last day counts"
    assert sweep(NOW + timedelta(days=3)) == 1
    assert list(PublicAddress.objects.values_list("address", flat=True)) == [STO[1]]
    assert NodeAddress.objects.get(address=STO[0]).rests == datetime(2026, 3, 11, 23, 59, 59, tzinfo=UTC)
    assert sweep(NOW + timedelta(days=3)) == 0


def test_an_address_whose_account_is_gone_otherwise_is_taken_back_too() -> None:
    from tyst.records.models import Account, PublicAddress

    paid("alice", ALICE)
    take(ALICE)
    Account.objects.all().delete()
    assert sweep(NOW) == 1 and not PublicAddress.objects.exists()


def test_the_operator_can_take_no_address_from_its_holder_and_wake_none_that_rests() -> None:
    from tyst.records import reservations
    from tyst.records.models import NodeAddress

    alice = paid("alice", ALICE)
    take(ALICE)
    with gates_view() as records:
        for left in ([], [(STO[0], "exit")], [(FRA[0], "public"), (STO[0], "public")]):
            with pytest.raises(ConflictError):
                records.put_node_addresses("se-sto", left)
        reservations.release(reservations.owner(KEY, alice), NOW)
        records.put_node_addresses("se-sto", [(STO[0], "public"), ("192.0.2.99", "public")])
    assert NodeAddress.objects.get(address=STO[0]).rests is not None
    assert set(NodeAddress.objects.filter(node="se-sto").values_list("address", flat=True)) == {STO[0], "192.0.2.99"}


def test_of_50_people_in_two_processes_as_many_get_an_address_as_there_are(where: Where) -> None:
    from tyst.records.models import PublicAddress

    for number in range(50):
        paid(f"person{number}", number.to_bytes(16))
    command = [sys.executable, "-m", "tests.unit.records.holder", word(where), "se-sto"]
    environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"}
    halves = [
        subprocess.Popen([*command, first, "25"], stdout=subprocess.PIPE, env=environment, text=True, cwd=ROOT)
        for first in ("0", "25")
    ]
    got = [address for half in halves for address in half.communicate(timeout=120)[0].split()]
    assert sorted(got) == sorted(STO)
    assert sorted(PublicAddress.objects.values_list("address", flat=True)) == sorted(STO)
