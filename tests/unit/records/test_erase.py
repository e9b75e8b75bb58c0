"""Every eraser that the inventory names, and that each one removes what it is for."""

from datetime import UTC, datetime
from typing import Any

from tests.unit.records.people import NOW, make


def _one_of_each() -> None:
    from tyst.records.models import (
        Fleet,
        Journal,
        KeyRecord,
        Location,
        Node,
        NodeAddress,
        PublicAddress,
        SpentSerial,
        Voucher,
    )

    make()
    KeyRecord(tag=b"t" * 16, record=b"sealed", last_month=202601).save(force_insert=True)
    KeyRecord(tag=b"u" * 16, record=b"sealed", last_month=202603).save(force_insert=True)
    Voucher(hash=b"v" * 32, days=30).save(force_insert=True)
    SpentSerial(hash=b"s" * 32).save(force_insert=True)
    taxed = {"kind": "sale", "country": "se", "rate": 2500, "currency": "SEK", "method": "swish"}
    for period in ("2026-03", "2026-04-01"):
        Journal(period=period, **taxed, product="ipv4", count=9, net=90, vat=23).save(force_insert=True)
    place = Location(slug="sto", city="Stockholm", country="se")
    place.save(force_insert=True)
    Node(name="se-sto", location=place, ipv4="192.0.2.10", ipv6="2001:db8::1", number=1).save(force_insert=True)
    NodeAddress(address="192.0.2.32", node_id="se-sto", use="public").save(force_insert=True)
    PublicAddress(owner=b"o" * 32, address_id="192.0.2.32").save(force_insert=True)
    Fleet(openvpn_authority=b"x", tls_crypt="x", site="https://tyst.test").save(force_insert=True)


CALLS: list[tuple[str, str, tuple[Any, ...], int]] = [
    ("delete_account", "Account", (b"a" * 16, b"k" * 32, NOW), 0),
    ("rekey", "Account", (b"a" * 16, b"b" * 16, NOW), 1),
    ("delete_key_record", "KeyRecord", (b"t" * 16, NOW), 1),
    ("delete_lapsed_key_records", "KeyRecord", (NOW,), 1),
    ("delete_voucher", "Voucher", (b"v" * 32,), 0),
    ("delete_spent_serial", "SpentSerial", (b"s" * 32,), 0),
    ("delete_journal", "Journal", ("2026-03",), 1),
    ("release_public_address", "PublicAddress", (b"o" * 32, NOW), 0),
    ("delete_node", "Location", ("se-sto",), 0),
    ("delete_fleet", "Fleet", (), 0),
]


def test_every_eraser_removes_what_it_is_for() -> None:
    from tests.unit.django_once import emptied
    from tyst.records import models
    from tyst.records.erase import ERASERS

    assert {name for name, *_ in CALLS} == set(ERASERS)
    for name, model, arguments, left in CALLS:
        emptied()
        _one_of_each()
        assert ERASERS[name](*arguments), name
        assert getattr(models, model).objects.count() == left, name
        if name != "delete_lapsed_key_records":
            assert not ERASERS[name](*arguments), f"{name} has nothing left to remove"


def test_a_record_lives_to_the_end_of_its_24th_month() -> None:
    from tyst.records import erase, keys
    from tyst.records.models import KeyRecord

    assert keys.last_month(datetime(2026, 1, 31, tzinfo=UTC)) == 202801
    KeyRecord(tag=b"t" * 16, record=b"x", last_month=202801).save(force_insert=True)
    assert erase.delete_lapsed_key_records(datetime(2028, 1, 31, 23, 59, tzinfo=UTC)) == 0
    assert erase.delete_lapsed_key_records(datetime(2028, 2, 1, tzinfo=UTC)) == 1


def test_a_key_is_registered_once_whoever_comes_second() -> None:
    import pytest

    from tyst.records import keys

    keys.add(b"t" * 16, b"alices", 202801)
    with pytest.raises(keys.KeyTakenError):
        keys.add(b"t" * 16, b"mallorys", 202801)
