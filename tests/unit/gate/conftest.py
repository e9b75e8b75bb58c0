"""A gate in this process, for tests that ask it without a line: `provider` is each test file's own."""

from collections.abc import Iterator
from datetime import time

import pytest

from tests.contract.gate_cast import Provider
from tyst.gate import wiring
from tyst.gate.room import Gate


@pytest.fixture
def gate(provider: Provider) -> Iterator[Gate]:
    """The room itself; no process, no port."""
    room = wiring.build(wiring.Options(provider.state, "", 0, time(4)))
    yield room
    room.passwords.close()
    room.records.close()
