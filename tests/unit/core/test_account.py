"""The account's rules."""

import re
from datetime import UTC, date, datetime

import pytest

from tyst.core import account
from tyst.core.account import Fault
from tyst.core.country import COUNTRIES

COMMON = frozenset({"password1"})


@pytest.mark.parametrize("name", ["alice", "Al.ice_9-", "abc", "x" * 32])
def test_alice_may_be_called_so(name: str) -> None:
    assert account.username_fault(name) is None


@pytest.mark.parametrize("name", ["", "ab", "x" * 33, "a b c", "alice@x", "ålice", "alice\n", "a\x00bc"])
def test_mallory_may_not_be_called_so(name: str) -> None:
    assert account.username_fault(name) is Fault.USERNAME_FORM


@pytest.mark.parametrize("name", ["vpn", "VPNalice", "vpn-9"])
def test_nobody_looks_like_a_vpn_credential(name: str) -> None:
    assert account.username_fault(name) is Fault.USERNAME_RESERVED


@pytest.mark.parametrize(
    ("word", "fault"),
    [
        ("1234567", Fault.PASSWORD_SHORT),
        ("a" * 257, Fault.PASSWORD_LONG),
        ("PassWord1", Fault.PASSWORD_COMMON),
        ("Alice-in-w", Fault.PASSWORD_IS_NAME),
        ("12345678", None),
        ("ü" * 256, None),
    ],
)
def test_passwords_have_lengths_and_no_other_rules(word: str, fault: Fault | None) -> None:
    assert account.password_fault(word, "alice-in-w", COMMON) is fault


def test_every_keyboards_e_acute_is_the_same() -> None:
    assert account.password_bytes("caf\u00e9") == account.password_bytes("cafe\u0301")


@pytest.mark.parametrize("address", ["alice@example.test", "a.b+c@mail.example.test"])
def test_mail_addresses_pass(address: str) -> None:
    assert account.email_fault(address) is None


@pytest.mark.parametrize("address", ["alice", "a@b", "a b@c.de", "a@b.c\n", "a@" + "b." * 200 + "de", "<a@b.de>"])
def test_what_is_no_mail_address_is_refused(address: str) -> None:
    assert account.email_fault(address) is Fault.EMAIL_FORM


def test_versions_are_cut_to_major_and_minor() -> None:
    assert account.coarse_version("1.2.5.2213") == "1.2"
    assert account.coarse_version("1.2") == "1.2"
    assert account.coarse_version("1") is account.coarse_version("1.2-alice") is None


def test_an_account_lives_to_the_end_of_its_last_day() -> None:
    end = datetime(2026, 3, 1, 23, 59, 59, tzinfo=UTC)
    assert account.is_live(end, date(2026, 3, 1))
    assert not account.is_live(end, date(2026, 3, 2))
    assert not account.is_live(None, date(2026, 3, 1))


POLICY = """
username password email created_at updated_at newsletter has_authenticated has_connected has_ipv6 compression streaming
language currency country devices campaign subscription ipv4 multihop client_version extension_version
"""


def test_the_fields_are_the_policys_in_its_order() -> None:
    assert list(account.FIELDS) == POLICY.split() and len(account.FIELDS) == 21


def test_countries_are_two_small_letters() -> None:
    assert len(COUNTRIES) == 250 and all(re.fullmatch("[a-z]{2}", code) for code in COUNTRIES)
    assert account.default_currency("se") == "SEK" and account.default_currency(None) == "EUR"
