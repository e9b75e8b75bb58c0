"""One site for the unit tests, without listener or network; the tables are emptied between tests."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.unit.site.person import Clock, GateOfTest, Person
from tyst.core.keyring import Keyring, new_pair
from tyst.core.voucher import hash_of, new_code
from tyst.payments.provider import Provider


@dataclass
class Site:
    """The site of one test and what stands around it."""

    door: Any
    clock: Clock
    gate: GateOfTest
    keys: Keyring
    gate_keys: Keyring
    services: Any

    def person(self, address: str = "192.0.2.77", *, https: bool = True) -> Person:
        """A new visitor."""
        return Person(self.door, address, https=https)

    def voucher(self, days: int = 30) -> str:
        """A fresh voucher."""
        from tyst.records.models import Voucher

        code = new_code(os.urandom(10))
        Voucher(hash=hash_of(code), days=days).save(force_insert=True)
        return code

    def subscriber(self, name: str = "alice") -> Person:
        """Somebody signed up, signed in and paid."""
        person = self.person()
        assert person.sign_up(name).status == 200
        assert person.post("/en/account/voucher", {"code": self.voucher()}).status == 200
        return person


@pytest.fixture(scope="session")
def tables() -> Path:
    """The database of all unit tests, in RAM. Django is set up once in a process."""
    from tests.unit.django_once import database_path

    return database_path()


@pytest.fixture
def providers() -> Sequence[Provider]:
    """The processors of the test's site: none, so its shop is closed. Tests of the shop say otherwise."""
    return ()


@pytest.fixture
def site(tables: Path, tmp_path: Path, providers: Sequence[Provider]) -> Iterator[Site]:
    """A site with empty tables but two nodes."""
    from tests.unit.django_once import emptied
    from tests.unit.site import parts

    emptied()
    clock = Clock()
    keys, gate_keys = new_pair(os.urandom)
    gate = GateOfTest(gate_keys, clock)
    services = parts.services(keys, gate, clock, tmp_path, *providers)
    parts.fleet()
    from tyst.site.services import SiteHandler

    yield Site(SiteHandler(services), clock, gate, keys, gate_keys, services)
