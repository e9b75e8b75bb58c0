"""What a backup holds: the same bytes for the same records on either engine, nothing of the day's use, no deleted row."""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest

from tests.unit.records.keeper import ENGINES, NOW, Keeper, kept, make
from tyst.records.undone import Kind

A, B, C = b"a" * 16, b"b" * 16, b"c" * 16


@pytest.fixture(autouse=True)
def tables() -> None:
    """These tests have tables of their own."""


@pytest.fixture(autouse=True)
def where() -> None:
    """And look there by themselves."""


@pytest.fixture(params=ENGINES)
def keeper(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Keeper]:
    with kept(tmp_path, request.param) as found:
        yield found


def _content(keeper: Keeper, *, files: bool = False) -> bytes:
    from tyst.records.backup.content import content

    return b"".join(content(keeper.where, keeper.state, files=files))


def _people(order: str) -> None:
    from tyst.records.models import Journal, SpentSerial

    for letter in order:
        make(f"{letter}lice", letter.encode() * 16, has_connected=letter == "a", has_authenticated=True)
        SpentSerial(hash=letter.encode() * 32).save(force_insert=True)
        taxed = {"country": "se", "rate": 2500, "currency": "SEK", "method": "swish", "product": "ipv4"}
        Journal(period=f"2026-1{letter}", kind="sale", **taxed, count=9, net=90, vat=23).save(force_insert=True)


def test_every_table_is_in_it_and_its_whole_key_orders_it() -> None:
    from django.apps import apps

    from tyst.records.backup.content import TABLES
    from tyst.records.postgresql import dump

    models = {one._meta.db_table: one._meta for one in apps.get_models() if one._meta.app_label == "records"}
    assert set(TABLES) == set(models) == set(dump.TABLES)
    for table, meta in models.items():
        fields = [one.column for one in meta.pk_fields]
        assert [one.removesuffix(":text") for one in TABLES[table]] == fields, table


def test_the_same_records_give_the_same_bytes_on_both_engines_in_whatever_order_they_were_written(
    tmp_path: Path,
) -> None:
    made = []
    for number, (engine, order) in enumerate((("sqlite", "abc"), ("sqlite", "cab"), ("postgresql", "bca"))):
        (tmp_path / str(number)).mkdir()
        with kept(tmp_path / str(number), engine) as keeper:
            _people(order)
            made.append(_content(keeper))
    assert made[0] == made[1] == made[2]
    assert made[0].count(b"alice") == 1


def test_the_days_flags_are_left_out(keeper: Keeper) -> None:
    from tyst.records.models import Account

    _people("ab")
    before = _content(keeper)
    Account.objects.all().update(has_connected=True, has_authenticated=False)
    assert _content(keeper) == before
    keeper.restore(keeper.backup())
    assert not Account.objects.filter(has_connected=True) and not Account.objects.filter(has_authenticated=True)


def test_no_time_is_in_it_and_no_key_that_must_die(keeper: Keeper) -> None:
    _people("a")
    (keeper.state / "order.keys").write_text("order keys' secret")
    keeper.backup()
    whole = _content(keeper, files=True)
    day_keys, journal = ((keeper.state / name).read_bytes() for name in ("backup.keys", "undone.journal"))
    assert b"order keys' secret" not in whole and day_keys not in whole and journal[:64] not in whole
    assert (keeper.state / "site.keys").read_bytes() in whole
    keeper.later(hours=5)
    assert _content(keeper, files=True) == whole


def test_a_customer_who_was_deleted_is_in_no_later_backup(keeper: Keeper) -> None:
    from tyst.core.owner import OWNER
    from tyst.records import erase
    from tyst.records.backup import keys, making

    make("alice", A, email="alice@example.org")
    make("bob", B)
    opener = keys.opener(keeper.state, keeper.recovery, None)

    def opened(path: Path) -> bytes:
        import msgspec

        left = keys.read_day_keys(keeper.state).all
        return b"".join(msgspec.msgpack.encode(one) for one in making.opened(path, opener, left, keeper.now.date()))

    before = keeper.backup("before.backup")
    erase.delete_account(A, keeper.site_keys().secrets[OWNER], keeper.now)
    after = keeper.backup("after.backup")
    for mark in (b"alice", A, b"alice@example.org"):
        assert mark in opened(before), "the search finds what is there"
        assert mark not in opened(after)
        assert mark not in before.read_bytes() and mark not in after.read_bytes(), "and without a key nothing at all"


def test_a_backup_of_sqlite_goes_into_postgresql_and_back(tmp_path: Path) -> None:
    from tests.postgres import sql
    from tests.unit.records.keeper import database

    contents = []
    for number, engine in enumerate(ENGINES):
        (tmp_path / engine).mkdir()
        with kept(tmp_path / engine, engine) as keeper:
            _people("abc")
            contents.append(_content(keeper))
            path = keeper.backup()
            other = tmp_path / engine / "other"
            other.mkdir()
            where = database(other, ENGINES[1 - number])
            for name in ("backup.keys", "undone.journal", "undone.key"):
                (other / name).write_bytes((keeper.state / name).read_bytes())
            moved = Keeper(other, where)
            (tmp_path / engine / "recovery.key").exists()
            moved.restore(path)
            assert sql(where, "SELECT count(*) FROM account") == [(3,)]
            contents.append(_content(moved))
    assert len(set(contents)) == 1


def test_a_backup_of_a_newer_version_is_named(keeper: Keeper, monkeypatch: pytest.MonkeyPatch) -> None:
    from tyst.core.archive import NEWER, ArchiveError
    from tyst.records.backup import content

    make("alice", A)
    known = content.schema()
    monkeypatch.setattr(content, "schema", lambda: [*known, "0099_tomorrow"])
    path = keeper.backup()
    monkeypatch.setattr(content, "schema", lambda: known)
    with pytest.raises(ArchiveError, match=NEWER[:30]):
        keeper.restore(path)
    assert not (keeper.state / "restoring").exists()


def test_old_backups_leave_the_folder_and_other_files_stay(keeper: Keeper, tmp_path: Path) -> None:
    from tyst.records.backup import keys, making

    folder = tmp_path / "backups"
    folder.mkdir()
    (folder / "notes.backup").write_text("not ours")
    locker = keys.locker(keeper.state, None)
    days = [NOW.date() + timedelta(days=count) for count in (0, 1, 30, 31)]
    removed = [making.make(keeper.state, keeper.where, folder, locker, day).removed for day in days]
    assert removed == [0, 0, 0, 1]
    assert sorted(path.name for path in folder.iterdir()) == [
        "notes.backup",
        *(f"tyst-{day}.backup" for day in days[1:]),
    ]
    assert set(keys.read_day_keys(keeper.state).by_day) == set(days[1:])


def test_what_was_noted_and_then_never_happened_is_forgotten_the_next_night(keeper: Keeper) -> None:
    """The machine stopped between the journal and the commit: the account, the device, the voucher are there still."""
    from tyst.core.owner import OWNER
    from tyst.records import erase, undone
    from tyst.records.backup import tidying
    from tyst.records.models import KeyRecord, Voucher

    make("alice", A)
    make("bob", B)
    KeyRecord(tag=b"t" * 16, record=b"sealed", last_month=202801).save(force_insert=True)
    Voucher(hash=b"v" * 32, days=30).save(force_insert=True)
    journal, today = undone.current(), keeper.now.date()
    journal.erased(A, b"", today)
    journal.replaced(A, today, C)
    journal.revoked(b"t" * 16, today)
    journal.spent(b"v" * 32, today)
    erase.delete_account(B, keeper.site_keys().secrets[OWNER], keeper.now)
    assert tidying.tidy(keeper.where, journal, today) == 4
    kinds = sorted(one.kind.name for one in journal.entries())
    assert kinds == ["ERASED", "NAME", "NAME"], "Bob's deletion did happen"
    assert [one.who for one in journal.entries() if one.kind is Kind.ERASED] == [journal.who(B)]


def test_the_shelf_is_one_file_that_is_written_over(keeper: Keeper) -> None:
    from tyst.records.backup import keys, making

    make("alice", A)
    keeper.backup()
    path = keeper.shelve()
    opener = keys.opener(keeper.state, keeper.recovery, None)
    assert set(making.read_shelf(path, opener, NOW.date())) == {"backup.keys", "undone.journal", "undone.key"}
    keeper.later(days=31)
    keeper.shelve()
    assert keys.day_keys_of(making.read_shelf(path, opener, keeper.now.date())["backup.keys"]).by_day == {}
    assert date(2026, 11, 24) not in keys.read_day_keys(keeper.state).by_day


def test_the_jobs_make_a_backup_each_day_where_the_operator_named_a_folder(keeper: Keeper, tmp_path: Path) -> None:
    from tyst.records.backup import nightly
    from tyst.records.errors import RecordsError

    today = keeper.now.date()
    assert nightly.backup(keeper.state, keeper.where, today) == "no folder is set"
    assert nightly.shelve(keeper.state, today) == "no shelf is set"
    (keeper.state / "backup.toml").write_text(f'folder = "{tmp_path}"\nshelf = "{tmp_path / "shelf"}"\n')
    assert nightly.backup(keeper.state, keeper.where, today).startswith("made")
    assert nightly.shelve(keeper.state, today) == "written"
    assert (tmp_path / f"tyst-{today}.backup").exists() and (tmp_path / "shelf").exists()
    for wrong in ("folder = 1", "fodler = 'x'", "not toml"):
        (keeper.state / "backup.toml").write_text(wrong)
        with pytest.raises(RecordsError, match=r"backup.toml has lines"):
            nightly.backup(keeper.state, keeper.where, today)
