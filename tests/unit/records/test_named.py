"""Whom an order names, on both engines: a whole name or a whole address, whatever its capitals, and nobody near it."""

import pytest

from tests.unit.records.people import make
from tyst.core.court import Asked, Request


def found(**named: str) -> list[str]:
    from tyst.records.named import named as find

    return [one.username for one in find(Request(Asked.DISCLOSURE, "B 1", "Court", "se", **named))]


@pytest.fixture(autouse=True)
def people() -> None:
    """Alice and two who are nearly her."""
    for number, (name, email) in enumerate(
        [
            ("Alice", "Alice@Example.test"),
            ("alice_", "al_ce@example.test"),
            ("bob", "alice@example.test"),
            ("eve", None),
        ]
    ):
        made = make(name, bytes([number]) * 16)
        made.email = email
        made.save()


def test_a_name_finds_its_account_and_no_other() -> None:
    assert found(username="aLICE") == ["Alice"] and found(username="alice_") == ["alice_"]
    assert found(username="alic_") == found(username="lice") == found(username="Alice-") == []


def test_an_address_finds_all_who_gave_it_and_its_signs_are_no_wildcards() -> None:
    assert found(email="ALICE@example.TEST") == ["Alice", "bob"]
    assert found(email="al_ce@example.test") == ["alice_"], "an underline stands for itself"
    assert found(email="lice@example.test") == found(email="alice@example.tes") == found(email="%@example.test") == []


def test_other_requests_name_nobody() -> None:
    from tyst.records.named import named as find

    for asked in (Asked.PRESERVATION, Asked.SEARCH):
        assert find(Request(asked, "B 1", "Court", "se")) == []
