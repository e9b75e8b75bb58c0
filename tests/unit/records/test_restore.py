"""A restore brings back what was there, and nothing that was undone since: on both engines, with real accounts."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.unit.records.keeper import ENGINES, NOW, Keeper, kept, make
from tests.unit.records.people import PHC
from tyst.core.archive import ArchiveError
from tyst.core.owner import OWNER
from tyst.core.seal import Kind

OTHER = "$argon2id$v=19$m=64,t=1,p=1$b3RoZXJzYWx0$b3RoZXJoYXNo"
A, B, C = b"a" * 16, b"b" * 16, b"c" * 16


@pytest.fixture(autouse=True, params=ENGINES)
def keeper(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Keeper]:
    with kept(tmp_path, request.param) as found:
        yield found


@pytest.fixture(autouse=True)
def tables() -> None:
    """These tests have tables of their own."""


@pytest.fixture(autouse=True)
def where() -> None:
    """And look there by themselves."""


def _names() -> set[str]:
    from tyst.records.models import Account

    return {one.username for one in Account.objects.all()}


def _owners(keeper: Keeper) -> bytes:
    return keeper.site_keys().secrets[OWNER]


def _forgetful(monkeypatch: pytest.MonkeyPatch) -> None:
    """The planted fault: a restore that replays nothing."""
    from tyst.records.backup import restoring
    from tyst.records.backup.replay import Replayed

    monkeypatch.setattr(restoring, "replay", lambda *_: Replayed())


def test_who_was_there_is_there_again(keeper: Keeper) -> None:
    from tyst.records.models import Account, KeyRecord, SpentSerial, Voucher

    make("alice", A, subscription=datetime(2027, 1, 1, 23, 59, 59, tzinfo=UTC), email="alice@example.org")
    KeyRecord(tag=b"t" * 16, record=b"sealed", last_month=202801).save(force_insert=True)
    Voucher(hash=b"v" * 32, days=30).save(force_insert=True)
    SpentSerial(hash=b"s" * 32).save(force_insert=True)
    path = keeper.backup()
    for model in (Account, KeyRecord, Voucher, SpentSerial):
        model.objects.all().delete()
    keeper.restore(path)
    alice = Account.objects.get(username="ALICE")
    assert (bytes(alice.handle), alice.email, alice.created_at) == (A, "alice@example.org", NOW.replace(minute=0))
    assert alice.subscription == datetime(2027, 1, 1, 23, 59, 59, tzinfo=UTC)
    assert [len(model.objects.all()) for model in (KeyRecord, Voucher, SpentSerial)] == [1, 1, 1]


@pytest.mark.parametrize("fault", [False, True])
def test_alice_who_was_deleted_after_the_backup_does_not_come_back(
    keeper: Keeper, monkeypatch: pytest.MonkeyPatch, fault: bool
) -> None:
    from tyst.records import erase, undone

    make("alice", A)
    make("bob", B)
    path = keeper.backup()
    keeper.later(days=3)
    assert erase.delete_account(A, _owners(keeper), keeper.now)
    if fault:
        _forgetful(monkeypatch)
    keeper.later(days=20)
    keeper.restore(path)
    assert _names() == ({"alice", "bob"} if fault else {"bob"})
    journal = undone.current()
    assert journal.taken(journal.name("Alice"), keeper.now.date())
    assert not journal.taken(journal.name("bob"), keeper.now.date())


@pytest.mark.parametrize("fault", [False, True])
def test_devices_that_were_cut_off_after_the_backup_stay_cut_off(
    keeper: Keeper, monkeypatch: pytest.MonkeyPatch, fault: bool
) -> None:
    from tyst.records import accounts, erase
    from tyst.records.models import KeyRecord

    make("alice", A)
    for tag in (b"t" * 16, b"u" * 16):
        KeyRecord(tag=tag, record=b"sealed", last_month=202801).save(force_insert=True)
    path = keeper.backup()
    assert erase.rekey(A, B, keeper.now)
    assert erase.rekey(B, C, keeper.now, password=OTHER)  # the second because she lost her password, too
    assert erase.delete_key_record(b"t" * 16, keeper.now)
    if fault:
        _forgetful(monkeypatch)
    keeper.restore(path)
    old, new = accounts.by_handle(A), accounts.by_handle(C)
    if fault:
        assert old is not None and old.password == PHC and new is None
        assert KeyRecord.objects.count() == 2
    else:
        assert old is None and new is not None and accounts.by_handle(B) is None
        assert (new.username, new.password) == ("alice", OTHER), "her new recovery code and her new password open it"
        assert [bytes(one.tag) for one in KeyRecord.objects.all()] == [b"u" * 16]


@pytest.mark.parametrize("fault", [False, True])
def test_a_voucher_that_was_used_after_the_backup_stays_used_and_its_days_stay_hers(
    keeper: Keeper, monkeypatch: pytest.MonkeyPatch, fault: bool
) -> None:
    from tyst.core.voucher import hash_of, new_code
    from tyst.records import accounts, vouchers
    from tyst.records.models import Voucher

    make("alice", A)
    make("mallory", B)
    code = new_code(b"0123456789")
    Voucher(hash=hash_of(code), days=30).save(force_insert=True)
    path = keeper.backup()
    until = vouchers.redeem(A, code, keeper.now)
    if fault:
        _forgetful(monkeypatch)
    keeper.restore(path)
    alice = accounts.by_handle(A)
    assert alice is not None
    if fault:
        assert alice.subscription is None and vouchers.redeem(B, code, keeper.now)
        return
    assert alice.subscription == until
    with pytest.raises(vouchers.NoVoucherError):
        vouchers.redeem(B, code, keeper.now)


class Bought:
    """A purchase of a month."""

    def __init__(self, serial: bytes, username: str = "alice") -> None:
        from tyst.core.product import Product

        self.serial, self.username, self.since = serial, username, NOW.replace(minute=0)
        self.product, self.months, self.days = Product.SUBSCRIPTION, 0, 30


def _whole() -> Any:
    from tyst.records.settlement import Share

    return Share(1, 1)


@pytest.mark.parametrize("fault", [False, True])
def test_time_that_was_paid_after_the_backup_is_there_once_however_often_the_processor_tells(
    keeper: Keeper, monkeypatch: pytest.MonkeyPatch, fault: bool
) -> None:
    from tyst.records import accounts, settlement

    make("alice", A)
    path = keeper.backup()
    first = settlement.grant(Bought(b"serial-1"), _whole(), keeper.now)
    second = settlement.grant(Bought(b"serial-2"), _whole(), keeper.now)
    assert second.until == first.until + timedelta(days=30)
    if fault:
        _forgetful(monkeypatch)
    keeper.restore(path)
    alice = accounts.by_handle(A)
    assert alice is not None
    assert alice.subscription == (None if fault else second.until)
    if not fault:
        with pytest.raises(settlement.SpentError):
            settlement.grant(Bought(b"serial-1"), _whole(), keeper.now)


def test_a_payment_that_nobody_noted_is_granted_by_the_sweep(keeper: Keeper) -> None:
    """It came after the backup, and its host died before it was told: the processor tells, and it is new."""
    from tyst.records import accounts, settlement

    make("alice", A)
    keeper.restore(keeper.backup())
    settlement.grant(Bought(b"serial-1"), _whole(), keeper.now)
    alice = accounts.by_handle(A)
    assert alice is not None and alice.subscription is not None
    assert alice.subscription.date() == keeper.now.date() + timedelta(days=30)


class Processor:
    """Knows which orders were paid, and tells all of them at each sweep."""

    name, renews = "swish", False

    def __init__(self) -> None:
        self.paid: list[Any] = []

    def sweep(self, now: datetime) -> list[Any]:
        return self.paid


@pytest.mark.parametrize("fault", [False, True])
def test_the_sweep_after_a_restore_completes_what_was_told_and_what_was_not(
    keeper: Keeper, monkeypatch: pytest.MonkeyPatch, fault: bool
) -> None:
    """Orders: told before the backup, after it, and never. The planted fault keeps the marks and forgets the days."""
    from tyst.core.money import Money
    from tyst.core.order import Order
    from tyst.core.product import Product
    from tyst.payments.orders import OrderKeys
    from tyst.payments.provider import Event, What
    from tyst.payments.settling import Outcome, Settler
    from tyst.records import accounts, undone
    from tyst.records.models import Journal

    make("alice", A)
    keys, price, processor = (
        OrderKeys(keeper.state, lambda: int(keeper.now.timestamp())),
        Money(9900, "SEK"),
        Processor(),
    )
    settler = Settler(keys, keeper.site_keys(), lambda: keeper.now, lambda paid: None, {})
    rest = ("alice", NOW.replace(minute=0), Product.SUBSCRIPTION, 0, 30, price, "se", 2500, "sv")
    orders = [Order("swish", f"serial-{number}".encode(), *rest) for number in range(3)]
    processor.paid = [Event(What.PAID, keys.seal(order), price, "P" * 32) for order in orders]
    settler.take(processor, processor.paid[0])  # type: ignore[arg-type]
    path = keeper.backup()
    settler.take(processor, processor.paid[1])  # type: ignore[arg-type]
    if fault:
        monkeypatch.setattr(undone.Undone, "entries", _only_marks(undone.Undone.entries))
    keeper.restore(path)
    assert settler.sweep(processor) == {Outcome.AGAIN: 2, Outcome.GRANTED: 1}  # type: ignore[arg-type]
    alice = accounts.by_handle(A)
    assert alice is not None and alice.subscription is not None
    assert (alice.subscription.date() - NOW.date()).days == (60 if fault else 90)
    assert sum(row.count for row in Journal.objects.all()) == 3, "each is booked once, the one of meanwhile again"


def _only_marks(real: Any) -> Any:
    from tyst.records.undone import Kind

    return lambda journal: [one for one in real(journal) if one.kind is not Kind.EXPIRY]


def test_money_that_went_back_after_the_backup_buys_nothing_again(keeper: Keeper) -> None:
    from tyst.records import accounts, settlement

    make("alice", A)
    before = settlement.grant(Bought(b"serial-0"), _whole(), keeper.now)
    path = keeper.backup()
    settlement.grant(Bought(b"serial-1"), _whole(), keeper.now)
    settlement.take_back(Bought(b"serial-1"), _whole(), keeper.now)
    settlement.take_back(Bought(b"never-told"), _whole(), keeper.now)
    keeper.restore(path)
    alice = accounts.by_handle(A)
    assert alice is not None and alice.subscription == before.until
    for serial in (b"serial-0", b"serial-1", b"never-told"):
        with pytest.raises(settlement.SpentError):
            settlement.grant(Bought(serial), _whole(), keeper.now)
    with pytest.raises(settlement.SpentError):
        settlement.take_back(Bought(b"serial-1"), _whole(), keeper.now)


def test_who_joined_after_the_backup_is_counted_as_lost_and_nobodys_payment_is_granted_twice(keeper: Keeper) -> None:
    from tyst.records import erase, settlement

    make("alice", A)
    path = keeper.backup()
    make("bob", B)
    settlement.grant(Bought(b"bobs", "bob"), _whole(), keeper.now)
    settlement.grant(Bought(b"alices"), _whole(), keeper.now)
    erase.delete_account(A, _owners(keeper), keeper.now)
    done = keeper.restore(path)
    assert _names() == set() and done.lost == 1, "Bob; Alice left, and is nobody's loss"
    for bought in (Bought(b"bobs", "bob"), Bought(b"alices")):
        with pytest.raises(settlement.SpentError):
            settlement.grant(bought, _whole(), keeper.now)


@pytest.mark.parametrize("what", ["email", "newsletter", "bounced"])
def test_an_address_that_was_taken_back_after_the_backup_stays_away(keeper: Keeper, what: str) -> None:
    from tyst.records import accounts

    make("alice", A, email="alice@example.org", newsletter=True)
    make("bob", B, email="bob@example.org", newsletter=True)
    path = keeper.backup()
    if what == "bounced":
        accounts.forget_address("Alice@Example.org", keeper.now)
    else:
        accounts.edit(A, keeper.now, **{what: None if what == "email" else False})
    accounts.edit(B, keeper.now, language="sv")
    keeper.restore(path)
    alice, bob = accounts.by_handle(A), accounts.by_handle(B)
    assert alice is not None and bob is not None
    assert (alice.email, bool(alice.newsletter)) == ("alice@example.org" if what == "newsletter" else None, False)
    assert (bob.email, bool(bob.newsletter)) == ("bob@example.org", True)


def test_what_was_done_the_other_way_round_before_the_backup_stays_as_the_backup_has_it(keeper: Keeper) -> None:
    from tyst.records import accounts, erase
    from tyst.records.models import KeyRecord

    make("alice", A, email="alice@example.org")
    record = {"tag": b"t" * 16, "record": b"sealed", "last_month": 202801}
    KeyRecord(**record).save(force_insert=True)
    accounts.edit(A, keeper.now, email=None)
    erase.delete_key_record(b"t" * 16, keeper.now)
    keeper.later(days=1)
    accounts.edit(A, keeper.now, email="alice@example.com")
    KeyRecord(**record).save(force_insert=True)
    keeper.restore(keeper.backup())
    alice = accounts.by_handle(A)
    assert alice is not None and alice.email == "alice@example.com" and KeyRecord.objects.count() == 1


def test_a_new_password_stays_new(keeper: Keeper) -> None:
    from tyst.records import accounts

    make("alice", A)
    path = keeper.backup()
    accounts.edit(A, keeper.now, password=OTHER)
    keeper.restore(path)
    alice = accounts.by_handle(A)
    assert alice is not None and alice.password == OTHER


def test_a_node_that_was_revoked_stays_revoked_and_an_address_of_a_deleted_customer_rests(keeper: Keeper) -> None:
    from tyst.records import erase, reservations, undone
    from tyst.records.models import Location, Node, NodeAddress, PublicAddress

    place = Location(slug="sto", city="Stockholm", country="se")
    place.save(force_insert=True)
    Node(
        name="se-sto", location=place, ipv4="192.0.2.10", ipv6="2001:db8::1", number=1, wireguard_public=b"w" * 32
    ).save(force_insert=True)
    NodeAddress(address="192.0.2.32", node_id="se-sto", use="public").save(force_insert=True)
    alice = make("alice", A, ipv4=datetime(2027, 1, 1, 23, 59, 59, tzinfo=UTC))
    PublicAddress(owner=reservations.owner(_owners(keeper), alice), address_id="192.0.2.32").save(force_insert=True)
    path = keeper.backup()
    erase.delete_account(A, _owners(keeper), keeper.now)
    undone.current().node_revoked("se-sto", keeper.now.date())
    keeper.restore(path)
    assert PublicAddress.objects.count() == 0
    rests = NodeAddress.objects.get().rests
    assert rests is not None and rests > keeper.now
    node = Node.objects.get()
    assert node.revoked and node.wireguard_public is None


def test_sessions_end_and_recovery_codes_and_credentials_stay(keeper: Keeper) -> None:
    make("alice", A)
    path, before = keeper.backup(), keeper.site_keys()
    keeper.restore(path)
    after = keeper.site_keys()
    renewed = {kind for kind in before.seal if before.seal[kind] != after.seal[kind]}
    assert renewed == {Kind.SESSION, Kind.REMEMBER, Kind.CHALLENGE, Kind.RESET, Kind.CONFIRM}
    from tyst.core.keyring import from_text

    gate = from_text((keeper.state / "gate.keys").read_bytes(), room="gate")
    assert gate.seal[Kind.SESSION] == after.seal[Kind.SESSION]


def test_a_restore_done_twice_is_done_once(keeper: Keeper) -> None:
    from tyst.records import erase

    make("alice", A)
    make("bob", B)
    path = keeper.backup()
    erase.delete_account(A, _owners(keeper), keeper.now)
    assert keeper.restore(path).erased == 1
    keeper.restore(path)
    assert _names() == {"bob"}


def test_where_everything_is_lost_the_shelf_and_the_recovery_key_bring_it_back(keeper: Keeper, tmp_path: Path) -> None:
    from tests.unit.records.keeper import database
    from tyst.records import erase
    from tyst.records.backup import keys, restoring
    from tyst.records.where import Server

    make("alice", A)
    make("bob", B)
    (keeper.state / "order.keys").write_text("the day's order keys")
    path = keeper.backup()
    erase.delete_account(A, _owners(keeper), keeper.now)
    shelf = keeper.shelve()
    empty = tmp_path / "new"
    empty.mkdir()
    opener = keys.opener(empty, keeper.recovery, None)
    engine = "postgresql" if isinstance(keeper.where, Server) else "sqlite"
    where = database(empty, engine)
    plan = restoring.Plan(empty, where, path, opener)
    with pytest.raises(ArchiveError, match="the key of this backup's day isn't here"):
        restoring.restore(plan, keeper.now)
    restoring.restore(restoring.Plan(empty, where, path, opener, shelf), keeper.now)
    from tests.postgres import sql

    assert [name for (name,) in sql(where, "SELECT username FROM account")] == ["bob"]
    assert (empty / "order.keys").read_text() == "the day's order keys"
    assert (empty / "undone.journal").exists() and (empty / "site.keys").exists()


def test_without_the_journal_nothing_is_restored_unless_the_operator_says_that_it_is_lost(keeper: Keeper) -> None:
    make("alice", A)
    path = keeper.backup()
    (keeper.state / "undone.journal").unlink()
    with pytest.raises(ArchiveError, match="deleted accounts come back"):
        keeper.restore(path)
    keeper.restore(path, without=True)
    assert _names() == {"alice"}


def _raw(keeper: Keeper) -> bytes:
    """Every byte of the records' files, free pages and dead rows included, and of the state folder."""
    from tests.postgres import cluster, sql
    from tyst.records.where import Server

    files = [path for path in keeper.state.rglob("*") if path.is_file()]
    if isinstance(keeper.where, Server):
        with cluster().admin() as admin:
            admin.execute("CHECKPOINT")
        found = "SELECT oid FROM pg_database WHERE datname = current_database()"
        ((oid,),) = sql(keeper.where, found)
        files += [path for path in (cluster().folder / "data" / "base" / str(oid)).iterdir() if path.is_file()]
    return b"".join(path.read_bytes() for path in files)


@pytest.mark.parametrize("fault", [False, True])
def test_nothing_of_a_deleted_customer_is_in_any_file_after_each_backup_was_put_back(
    keeper: Keeper, monkeypatch: pytest.MonkeyPatch, fault: bool
) -> None:
    from tyst.records import erase

    keeper.thorough = True
    marks = (b"alice-marked", b"alice-marked@example.org", b"alice's handle..")
    make("alice-marked", marks[2], email="alice-marked@example.org")
    make("bob-marked", B)
    backups = [keeper.backup("first.backup")]
    keeper.later(days=1)
    backups.append(keeper.backup("second.backup"))
    assert all(mark in _raw(keeper) for mark in marks), "the search finds what is there"
    erase.delete_account(marks[2], _owners(keeper), keeper.now)
    keeper.later(days=1)
    backups.append(keeper.backup("third.backup"))
    if fault:
        _forgetful(monkeypatch)
    for path in backups:
        keeper.restore(path)
        raw = _raw(keeper)
        assert b"bob-marked" in raw
        there = [mark for mark in marks if mark in raw]
        assert there == (list(marks) if fault and path != backups[2] else []), path.name


def test_a_damaged_journal_stops_a_restore(keeper: Keeper) -> None:
    from tyst.records.undone import UndoneError

    make("alice", A)
    path = keeper.backup()
    journal = keeper.state / "undone.journal"
    raw = bytearray(journal.read_bytes())
    raw[700] ^= 1
    journal.write_bytes(raw)
    with pytest.raises(UndoneError, match="damaged"):
        keeper.restore(path)
    assert not (keeper.state / "restoring").exists() and _names() == {"alice"}


def test_the_backup_of_a_day_dies_with_its_key_wherever_it_was_carried(keeper: Keeper, tmp_path: Path) -> None:
    from tyst.records.backup import keys, making

    make("alice", A)
    path = keeper.backup()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_bytes(path.read_bytes())
    keeper.later(days=31)
    assert keys.day_key(keeper.state, keeper.now.date())
    opener = keys.opener(keeper.state, keeper.recovery, None)
    left = keys.read_day_keys(keeper.state).all
    with pytest.raises(ArchiveError, match="older than 30 days"):
        list(making.opened(elsewhere, opener, left, keeper.now.date()))
    with pytest.raises(ArchiveError, match="the key of this backup's day isn't here"):
        list(making.opened(elsewhere, opener, left, date(2026, 11, 25)))  # a clock that was turned back helps nobody
    assert making.remove_old(path.parent, keeper.now.date()) == 1 and not path.exists() and elsewhere.exists()
