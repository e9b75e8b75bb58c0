"""A device's preshared key reaches the node with the admission, also into the garden, and nobody else."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.gate_cast import Customer, Provider
from tyst.core.tags import opener_of, tag_of
from tyst.core.tokens import KeyRecord
from tyst.gate import admission
from tyst.gate.room import Gate
from tyst.messages.admission import AdmitKey, Confirm, Features, Verdict


@pytest.fixture
def provider(tmp_path: Path) -> Iterator[Provider]:
    one = Provider(tmp_path / "state")
    yield one
    one.output.close()


def keyed(provider: Provider, one: Customer) -> tuple[AdmitKey, bytes]:
    """A device of hers with a preshared key, as it knocks."""
    device, secret = os.urandom(32), os.urandom(32)
    tag, words = tag_of(device), {"opener": opener_of(device), "gate_public": provider.site.known["gate"]}
    record = KeyRecord(one.handle, 209912, secret).sealed(tag=tag, nonce=os.urandom(12), now=int(time.time()), **words)
    provider.sql("INSERT INTO key_record (tag, record, last_month) VALUES (?, ?, 209912)", tag, record)
    return AdmitKey(tag, opener_of(device)), secret


async def test_the_node_hears_it_once_with_the_admission(provider: Provider, gate: Gate) -> None:
    asked, secret = keyed(provider, provider.customer("alice"))
    answer = await admission.admit_key(gate, "se-sto", asked)
    assert answer.verdict is Verdict.OPEN and answer.features.preshared == secret
    assert (await admission.confirm(gate, "se-sto", Confirm(answer.lease))).features.preshared == b""
    assert secret.hex() not in repr(answer) and str(secret[:6])[2:-1] not in repr(answer)


async def test_in_the_garden_too_and_never_for_who_has_none(provider: Provider, gate: Gate) -> None:
    asked, secret = keyed(provider, provider.customer("bob", until="2020-01-01 23:59:59"))
    answer = await admission.admit_key(gate, "se-sto", asked)
    assert answer.verdict is Verdict.GARDEN and answer.features.preshared == secret
    alice = provider.customer("alice")
    answer = await admission.admit_key(gate, "se-sto", AdmitKey(tag_of(alice.device), opener_of(alice.device)))
    assert answer.verdict is Verdict.OPEN and answer.features.preshared == Features().preshared == b""


async def test_mallory_who_knows_the_tag_alone_gets_nothing(provider: Provider, gate: Gate) -> None:
    asked, _ = keyed(provider, provider.customer("alice"))
    answer = await admission.admit_key(gate, "se-sto", AdmitKey(asked.tag, os.urandom(32)))
    assert answer.verdict is Verdict.UNKNOWN and answer.features == Features()
