"""Each attacker finds what it is for, in dumps made by hand, and says nothing where there is nothing."""

import hashlib
import hmac
import os
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from tyst.core.tags import opener_of, tag_of
from tyst.core.tokens import KeyRecord
from tyst.proof.blind import forms, opened
from tyst.proof.blind.attack import NOTHING, Case
from tyst.proof.blind.attacks import ATTACKS
from tyst.proof.blind.things import Dumps, Row, Thing

GATE = hashlib.sha256(b"a private key for tests").digest()
PUBLIC = X25519PrivateKey.from_private_bytes(GATE).public_key().public_bytes_raw()
Change = Callable[[list[Row], list[Row], dict[str, bytes], list[bytes]], None]


def case(change: Change = lambda *_: None) -> tuple[Case, list[Thing], list[Thing], list[Thing]]:
    """Eight accounts and their records in an order that tells nothing, with what `change` does to them."""
    handles, keys = [os.urandom(16) for _ in range(8)], [os.urandom(32) for _ in range(8)]
    accounts = [_account(handle, number) for number, handle in enumerate(handles)]
    records = [_record(handle, key) for handle, key in zip(handles, keys, strict=True)]
    texts = {"memory of the gate": b"", "file other": b"the program itself" * 9}
    change(accounts, records, texts, keys)
    dumps = Dumps(texts, {"account": accounts, "key_record": records}, {"gate": PUBLIC})
    one = Case(dumps)
    left = [Thing((row.values["handle"], row.values["username"]), "account", n) for n, row in enumerate(accounts)]
    right = [Thing((row.values["tag"], row.values["record"]), "key_record", n) for n, row in enumerate(records)]
    addresses = [Thing((b"100.64.7.%d" % n, bytes([100, 64, 7, n]))) for n in range(8)]
    right = [one.known(thing) for thing in right]
    one.things = [*left, *right, *addresses]
    return one, left, right, addresses


def _account(handle: bytes, number: int) -> Row:
    times = {"created_at": b"2026-11-09 09:00:00", "updated_at": b"2026-11-09 09:00:00"}
    return Row({"handle": handle, "username": b"p%08d" % number, **times})


def _record(handle: bytes, key: bytes) -> Row:
    tag = tag_of(key)
    sealed = KeyRecord(handle, 202811).sealed(
        tag=tag, opener=opener_of(key), gate_public=PUBLIC, nonce=os.urandom(12), now=0
    )
    return Row({"tag": tag, "record": sealed, "last_month": b"202811"})


def right(name: str, one: Case, left: list[Thing], others: list[Thing]) -> int:
    """How many of the pairs of neighbours an attacker gets right."""
    link = next(attack.prepare(one) for attack in ATTACKS if attack.name == name)
    wins = 0
    for number, other in enumerate(others):
        wrong = left[(number + 3) % len(left)]
        wins += link(other, left[number]) > link(other, wrong)
    return wins


def silent(name: str, one: Case, left: list[Thing], others: list[Thing]) -> bool:
    """Whether it says the same of all."""
    link = next(attack.prepare(one) for attack in ATTACKS if attack.name == name)
    return len({link(other, thing) for other in others for thing in left}) == 1


def renumbered(accounts: list[Row], records: list[Row], texts: dict[str, bytes], keys: list[bytes]) -> None:
    for rows in (accounts, records):
        rows[:] = [Row(row.values, (number,), row.written) for number, row in enumerate(rows)]


def numbered(accounts: list[Row], records: list[Row], texts: dict[str, bytes], keys: list[bytes]) -> None:
    for rows in (accounts, records):
        rows[:] = [Row(row.values, (), 1000 + number) for number, row in enumerate(rows)]


def hashed(accounts: list[Row], records: list[Row], texts: dict[str, bytes], keys: list[bytes]) -> None:
    secret = os.urandom(32)
    texts["memory of the site"] = bytes(16) + secret + bytes(16)
    for number, row in enumerate(records):
        tag = hmac.digest(secret, accounts[number].values["username"], hashlib.sha256)[:16]
        records[number] = Row({**row.values, "tag": tag})


def logged(accounts: list[Row], records: list[Row], texts: dict[str, bytes], keys: list[bytes]) -> None:
    texts["file log"] = b"\n".join(b"key " + key.hex().encode() for key in (*keys, GATE))


def kept(accounts: list[Row], records: list[Row], texts: dict[str, bytes], keys: list[bytes]) -> None:
    pairs = [bytes(5000) + a.values["handle"] + r.values["tag"] for a, r in zip(accounts, records, strict=True)]
    texts["memory of the gate"] = b"".join(pairs)


def beside_addresses(accounts: list[Row], records: list[Row], texts: dict[str, bytes], keys: list[bytes]) -> None:
    pairs = [bytes(5000) + b"100.64.7.%d" % n + b" " + a.values["username"] for n, a in enumerate(accounts)]
    texts["memory of the site"] = b"".join(pairs)


def aged(accounts: list[Row], records: list[Row], texts: dict[str, bytes], keys: list[bytes]) -> None:
    for number in range(8):
        accounts[number] = Row(
            {**accounts[number].values, "created_at": b"2026-%02d-09 09:00:00" % (number + 1), "updated_at": b""}
        )
        records[number] = Row({**records[number].values, "last_month": b"2028%02d" % (number + 1)})


def sized(accounts: list[Row], records: list[Row], texts: dict[str, bytes], keys: list[bytes]) -> None:
    for number in range(8):
        accounts[number] = Row({**accounts[number].values, "email": b"x" * number})
        records[number] = Row({**records[number].values, "record": records[number].values["record"] + b"x" * number})


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("rows in their order", renumbered),
        ("transaction numbers", numbered),
        ("hashes and keyed hashes", hashed),
        ("decryption with every 32 bytes", logged),
        ("times", aged),
        ("sizes", sized),
        ("nearness, memory of the gate", kept),
        ("sequence, memory of the gate", kept),
    ],
)
def test_an_attacker_wins_every_time_where_its_weakness_is(name: str, change: Change) -> None:
    one, left, others, _ = case(change)
    assert right(name, one, left, others) == 8


@pytest.mark.parametrize(
    "name",
    [
        "transaction numbers",
        "hashes and keyed hashes",
        "decryption with every 32 bytes",
        "times",
        "sizes",
        "nearness, memory of the gate",
        "sequence, memory of the gate",
        "nearness, database",
    ],
)
def test_it_says_nothing_where_nothing_is(name: str) -> None:
    one, left, others, _ = case()
    assert silent(name, one, left, others)


def test_an_address_beside_a_name_is_found() -> None:
    one, left, _, addresses = case(beside_addresses)
    assert right("nearness, memory of the site", one, left, addresses) == 8


def test_keys_without_the_gates_own_name_a_record_and_not_its_account() -> None:
    def public_only(accounts: list[Row], records: list[Row], texts: dict[str, bytes], keys: list[bytes]) -> None:
        texts["file log"] = b"\n".join(key.hex().encode() for key in keys)

    one, left, others, _ = case(public_only)
    assert len(one.opened) == 8 and {found.content for found in one.opened} == {b""}
    assert silent("decryption with every 32 bytes", one, left, others)


@pytest.mark.parametrize(
    "spelled",
    [lambda key: key, lambda key: b"K=" + key.hex().encode(), lambda key: b"K=" + __import__("base64").b64encode(key)],
)
def test_a_key_is_found_in_every_spelling(spelled: Callable[[bytes], bytes]) -> None:
    key = os.urandom(32)
    dumps = Dumps(
        {"a file": b"\0" * 50 + spelled(key) + b"\0" * 50}, {"account": [], "key_record": []}, {"gate": PUBLIC}
    )
    assert key in opened.windows(dumps)


def test_a_tag_by_hand_is_a_tag() -> None:
    key = os.urandom(32)
    assert opened._tag(key) == tag_of(key)


def test_an_opener_without_its_key_opens_too() -> None:
    def leaked(accounts: list[Row], records: list[Row], texts: dict[str, bytes], keys: list[bytes]) -> None:
        texts["file leak"] = b"\0\0".join([*(opener_of(key) for key in keys), GATE])

    one, left, others, _ = case(leaked)
    assert right("decryption with every 32 bytes", one, left, others) == 8


def test_what_another_provider_has_too_is_no_secret() -> None:
    common = opened.windows(Dumps({"x": GATE}, {}, {}))
    dumps = Dumps({"file": GATE}, {"account": [], "key_record": []}, {"gate": PUBLIC})
    assert opened.opened(dumps, common, whole=True) == [] and GATE in common


def test_places_are_those_of_every_form() -> None:
    thing, key = Thing((b"a name",)), os.urandom(32)
    text = b"...a name...." + hashlib.sha256(b"a name").digest() + hmac.digest(key, b"a name", "sha256")[:16]
    found = forms.places(Dumps({"t": text}, {}, {}), [thing], [key])
    assert found["t"][thing] == [3, 13, 45]
    assert NOTHING < -1e300
