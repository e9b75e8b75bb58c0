"""The journal: each sale once, each return once, and no row that stands for so few that it names somebody."""

from dataclasses import replace
from datetime import date

from tests.unit.records.people import NOW, make
from tests.unit.records.test_settlement import ORDER, TODAY, whole
from tyst.core.money import Money

PRICE = Money(9900, "SEK")


def sell(count: int, *, day: date = TODAY, first: int = 0, **more: object) -> None:
    from tyst.records import bookkeeping

    for number in range(first, first + count):
        bookkeeping.sold(replace(ORDER, serial=f"sale{number:04}".encode(), **more), PRICE, day)  # type: ignore[arg-type]


def journal() -> list[tuple[object, ...]]:
    from tyst.records import bookkeeping

    return [
        (row.period, row.kind, row.country, row.method, row.count, row.gross.minor) for row in bookkeeping.rows_of("20")
    ]


def test_a_sale_is_booked_once_with_its_vat() -> None:
    from tyst.records import bookkeeping

    for _ in range(3):
        bookkeeping.sold(ORDER, PRICE, TODAY)
    (row,) = bookkeeping.rows_of("2026-03")
    assert (row.period, row.kind, row.count) == ("2026-03-01", "sale", 1)
    assert (row.net, row.vat, row.gross) == (Money(7920, "SEK"), Money(1980, "SEK"), PRICE)


def test_vat_is_rounded_for_each_sale_as_on_its_receipt() -> None:
    from tyst.records import bookkeeping

    for number in range(3):
        bookkeeping.sold(replace(ORDER, serial=bytes([number]) * 8), Money(3, "SEK"), TODAY)
    (row,) = bookkeeping.rows_of("2026-03")
    assert (row.net.minor, row.vat.minor) == (6, 3), "three times 2 and 1, not 7 and 2"


def test_a_return_is_a_negative_row_once() -> None:
    from tyst.records import bookkeeping

    bookkeeping.sold(ORDER, PRICE, TODAY)
    for _ in range(3):
        bookkeeping.returned(ORDER, PRICE, TODAY)
    assert sum(row.gross.minor for row in bookkeeping.rows_of("2026-03")) == 0
    assert [(row.kind, row.count) for row in bookkeeping.rows_of("2026-03")] == [("return", 1), ("sale", 1)]


def test_a_sale_that_went_back_before_it_was_booked_is_never_booked() -> None:
    from tyst.records import bookkeeping

    bookkeeping.returned(ORDER, PRICE, TODAY)
    bookkeeping.sold(ORDER, PRICE, TODAY)
    assert journal() == []


def test_the_night_takes_the_day_from_small_rows_and_leaves_the_sums() -> None:
    from tyst.records import bookkeeping

    sell(5, day=date(2026, 3, 1))
    sell(4, day=date(2026, 3, 2), first=10, country="mt", rate=1800)
    sell(1, day=date(2026, 3, 3), first=20, country="mt", rate=1800)
    sell(2, day=date(2026, 3, 4), first=30)
    assert bookkeeping.merge(date(2026, 3, 4)) == 2
    assert journal() == [
        ("2026-03", "sale", "mt", "swish", 5, 5 * 9900),
        ("2026-03-01", "sale", "se", "swish", 5, 5 * 9900),
        ("2026-03-04", "sale", "se", "swish", 2, 2 * 9900),
    ], "today's rows wait"
    assert bookkeeping.merge(date(2026, 3, 4)) == 0


def test_after_the_month_small_rows_lose_method_and_product_too() -> None:
    from tyst.records import bookkeeping

    sell(2, country="mt")
    sell(1, first=10, country="mt", method="braintree")
    sell(6, first=20)
    assert bookkeeping.merge(date(2026, 3, 31)) == 2
    assert len(journal()) == 3
    assert bookkeeping.merge(date(2026, 4, 1)) == 2
    assert journal() == [
        ("2026-03", "sale", "mt", "any", 3, 3 * 9900),
        ("2026-03-01", "sale", "se", "swish", 6, 6 * 9900),
    ]
    assert bookkeeping.merge(date(2026, 4, 2)) == 0


def test_without_the_merge_a_row_names_the_one_buyer_of_a_country() -> None:
    sell(1, country="mt")
    assert journal() == [("2026-03-01", "sale", "mt", "swish", 1, 9900)]


def test_nothing_in_the_records_leads_from_a_sum_to_its_buyer() -> None:
    from tyst.records import bookkeeping, settlement
    from tyst.records.models import Journal, SpentSerial

    make()
    settlement.grant(ORDER, whole(), NOW)  # type: ignore[arg-type]
    bookkeeping.sold(ORDER, PRICE, TODAY)
    kept = repr([list(Journal.objects.values_list()), list(SpentSerial.objects.values_list())])
    for secret in ("alice", ORDER.serial.decode(), ORDER.serial.hex(), NOW.strftime("%H:%M")):
        assert secret not in kept
