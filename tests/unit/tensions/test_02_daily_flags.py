"""Tension 2: that somebody ever connected is written at one moment for all, in an order that tells nothing."""

import sqlite3
from pathlib import Path

from tests.unit.site.conftest import Site
from tyst.records.sqlite.hand import Hand
from tyst.records.statements import Records


def test_the_order_of_coming_is_shuffled_away_and_no_time_moves(site: Site, tables: Path) -> None:
    from tyst.records.models import Account

    for name in ("alice", "bob", "charlie"):
        site.subscriber(name)
    handles = [bytes(Account.objects.get(username=name).handle) for name in ("charlie", "alice", "bob")]
    before = {one.username: (one.created_at, one.updated_at) for one in Account.objects.all()}
    given: list[list[bytes]] = []
    records = Records(Hand(tables))
    changed = records.daily_batch(handles, month=202603, shuffle=lambda items: given.append(list(items)))
    records.close()
    assert changed == 3
    assert given == [sorted(handles)], "what is shuffled must not be in the order of coming already"
    assert {one.username: (one.created_at, one.updated_at) for one in Account.objects.all()} == before
    assert set(Account.objects.values_list("has_connected", flat=True)) == {1}


def test_a_flag_that_is_set_is_never_written_again(site: Site, tables: Path) -> None:
    from tyst.records.models import Account

    site.subscriber("alice")
    handle = bytes(Account.objects.get(username="alice").handle)
    records = Records(Hand(tables))
    assert records.daily_batch([handle], month=202603, shuffle=lambda _: None) == 1
    with sqlite3.connect(tables) as connection:
        (version,) = connection.execute("PRAGMA data_version").fetchone()
        assert records.daily_batch([handle], month=202603, shuffle=lambda _: None) == 0
        assert connection.execute("PRAGMA data_version").fetchone() == (version,), "the second connect wrote something"
    connection.close()
    records.close()
