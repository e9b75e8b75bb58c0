"""Finds the shops and hands them to the suite, one after the other: each fake runs once for all modules."""

import importlib
import pkgutil
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

from tests.contract.payments import shops
from tests.contract.payments.suite import Clock, Door, Shop, ShopMaker, Till
from tyst.payments.orders import OrderKeys

NAMES = sorted(module.name for module in pkgutil.iter_modules(shops.__path__))


@pytest.fixture(scope="session")
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="session")
def listening() -> Iterator[Door]:
    door = Door()
    yield door
    door.close()


@pytest.fixture(scope="session", params=NAMES)
def running(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, listening: Door, clock: Clock
) -> Iterator[Shop]:
    maker = cast(ShopMaker, importlib.import_module(f"tests.contract.payments.shops.{request.param}").shop)
    state: Path = tmp_path_factory.mktemp(request.param)
    with maker(state, listening, clock) as one:
        yield one


@pytest.fixture
def door(listening: Door) -> Door:
    listening.heard.clear()
    return listening


@pytest.fixture
def shop(running: Shop, door: Door, clock: Clock) -> Iterator[Shop]:
    yield running
    clock.ahead *= 0
    running.forget()


@pytest.fixture
def keys(tmp_path: Path, clock: Clock) -> OrderKeys:
    return OrderKeys(tmp_path, clock.seconds)


@pytest.fixture
def till(keys: OrderKeys, shop: Shop) -> Till:
    return Till(keys, shop.provider)
