"""What the shop holds in RAM while somebody pays: for how long, and that it asks in her place."""

import threading
from datetime import timedelta

from tests.unit.site.person import Clock
from tyst.payments.provider import Checkout
from tyst.site.till import OPEN_FOR, Till

SHOWN = Checkout("qr", qr="code")


def test_an_open_payment_is_forgotten_when_it_is_settled_or_lapses() -> None:
    clock = Clock()
    till = Till(clock, lambda reference: None, pause=3600)
    till.put("alice's", SHOWN)
    till.put("bob's", Checkout("qr", qr="code", until=clock() + timedelta(minutes=3)))
    assert till.get("alice's") == SHOWN and till.get("bob's") is not None and till.get("mallory's") is None
    till.drop("alice's")
    clock.forward(minutes=3)
    assert till.get("alice's") is None and till.get("bob's") is None


def test_while_anything_is_open_the_till_asks_and_then_it_stops() -> None:
    clock, asked, twice = Clock(), list[str](), threading.Event()

    def ask(reference: str) -> None:
        asked.append(reference)
        if len(asked) == 2:
            twice.set()

    till = Till(clock, ask, pause=0.01)
    till.put("alice's", SHOWN)
    assert twice.wait(10) and set(asked) == {"alice's"}
    clock.forward(seconds=OPEN_FOR.total_seconds() + 1)
    deadline = threading.Event()
    for _ in range(1000):
        if len(till) == 0:
            break
        deadline.wait(0.01)
    assert len(till) == 0, "what lapsed is gone without anybody looking"


def test_nothing_of_an_open_payment_is_printed() -> None:
    shown = repr(
        Checkout("address", url="monero:4MARKED", qr="4MARKED", lines=(("address", "4MARKED"),), token="MARKED")
    )
    assert "MARKED" not in shown
