"""Entitlement: paid through the whole last day, never a second longer, and features only as bought."""

from datetime import date

import pytest

from tyst.core.entitlement import Facts, Standing, allowed, day_number, day_of, standing

TODAY = day_number(date(2026, 11, 24))


@pytest.mark.parametrize(
    ("subscription", "wanted"),
    [
        (None, Standing.EXPIRED),
        (TODAY - 1, Standing.EXPIRED),
        (TODAY, Standing.LIVE),
        (TODAY + 30, Standing.LIVE),
    ],
    ids=["never bought", "ended yesterday", "ends today", "a month left"],
)
def test_an_account_whose_subscription(subscription: int | None, wanted: Standing) -> None:
    assert standing(subscription, TODAY) is wanted


def test_a_stored_expiry_is_read_as_its_day() -> None:
    assert day_of("2026-11-24 23:59:59") == TODAY
    assert day_of(None) is None
    with pytest.raises(ValueError):
        day_of("tomorrow")


def test_alice_has_multihop_only_while_she_paid_for_it() -> None:
    assert not allowed(Facts(TODAY, multihop=TODAY - 1), TODAY).multihop
    assert allowed(Facts(TODAY, multihop=TODAY), TODAY).multihop
    assert not allowed(Facts(TODAY), TODAY).multihop


def test_settings_pass_through_unchanged() -> None:
    may = allowed(Facts(TODAY, ipv6=True, streaming=False, compression=True), TODAY)
    assert (may.ipv6, may.streaming, may.compression) == (True, False, True)
