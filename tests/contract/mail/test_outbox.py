"""The outbox: RAM only, one service after the other, later again, and nothing left afterwards."""

import gc
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tyst.mail.letter import HOUR, Letter, MailError
from tyst.mail.outbox import Outbox

ROOT = Path(__file__).parents[3]
LETTER = Letter("reset", "alice@example.org", "A new password", "https://tyst.test/en/reset/secret", lives=HOUR)


class Ticks:
    """A clock that tests turn."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Pigeon:
    """A service that fails as often as it is told."""

    def __init__(self, name: str = "pigeon", *, failures: int = 0, refuses: bool = False) -> None:
        self.name, self.failures, self.refuses = name, failures, refuses
        self.tries, self.taken = 0, 0
        self.tried = threading.Condition()

    def carry(self, letter: Letter) -> bool:
        with self.tried:
            self.tries += 1
            self.tried.notify_all()
            if self.tries <= self.failures:
                raise MailError("not now")
            self.taken += not self.refuses
        return not self.refuses

    def check(self) -> str:
        return "It flies."

    def wait_for(self, tries: int) -> bool:
        """Whether it was tried so often, within ten seconds."""
        with self.tried:
            return self.tried.wait_for(lambda: self.tries >= tries, 10)


def test_a_letter_goes_to_the_first_that_takes_it_and_to_no_other() -> None:
    first, second = Pigeon(failures=1), Pigeon()
    box = Outbox([first, second])
    for _ in range(2):
        box.post(LETTER)
    assert box.drain(10)
    assert (first.tries, first.taken, second.taken) == (2, 1, 1)
    assert box.counts() == {("reset", "taken"): 2}
    box.close()


def test_a_letter_that_nobody_takes_is_tried_again_later() -> None:
    pigeon = Pigeon(failures=3)
    box = Outbox([pigeon], pauses=(0.01, 0.02))
    box.post(LETTER)
    assert box.drain(10)
    assert (pigeon.tries, pigeon.taken) == (4, 1)
    box.close()


def test_a_letter_is_dropped_once_it_is_pointless() -> None:
    ticks, pigeon = Ticks(), Pigeon(failures=10**6)
    box = Outbox([pigeon], ticks=ticks, pauses=(0.02,))
    box.post(LETTER)
    assert pigeon.wait_for(1)
    ticks.now += HOUR - 0.01
    box.post(Letter("hint", "", "", ""))
    assert pigeon.wait_for(2)
    assert box.drain(10)
    assert box.counts() == {("reset", "dropped"): 1, ("hint", "nobody"): 1}
    box.close()


def test_a_refused_address_is_the_end_of_a_letter() -> None:
    box = Outbox([Pigeon(refuses=True), Pigeon()])
    box.post(LETTER)
    assert box.drain(10)
    assert box.counts() == {("reset", "refused"): 1}
    box.close()


def test_a_letter_to_nobody_waits_in_the_same_queue_and_leaves_for_nowhere() -> None:
    pigeon = Pigeon()
    box = Outbox([pigeon])
    box.post(Letter("reset", "", LETTER.subject, LETTER.text))
    assert box.drain(10)
    assert pigeon.tries == 0 and box.counts() == {("reset", "nobody"): 1}
    box.close()


def test_posting_is_quick_even_when_every_service_hangs() -> None:
    gate, entered = threading.Event(), threading.Event()

    class Sleepy(Pigeon):
        def carry(self, letter: Letter) -> bool:
            entered.set()
            return gate.wait(10)

    box = Outbox([Sleepy()])
    box.post(LETTER)
    assert entered.wait(10)
    for _ in range(1000):
        box.post(LETTER)
    assert not box.drain(0.01)
    gate.set()
    assert box.drain(10) and box.counts() == {("reset", "taken"): 1001}
    box.close()


def test_the_queue_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    from tyst.mail import outbox

    monkeypatch.setattr(outbox, "MOST", 3)
    pigeon = Pigeon(failures=10**6)
    box = Outbox([pigeon], pauses=(1000.0,))
    for _ in range(10):
        box.post(LETTER)
        assert pigeon.wait_for(1)
    assert box.counts()["reset", "dropped"] >= 6
    box.close(0.0)


def test_a_closed_outbox_holds_nothing() -> None:
    pigeon = Pigeon(failures=10**6)
    box = Outbox([pigeon], pauses=(1000.0,))
    box.post(LETTER)
    assert pigeon.wait_for(1)
    box.close(0.0)
    assert sum(box.counts().values()) == 1
    box.post(LETTER)
    assert box.counts()["reset", "dropped"] >= 1


def test_the_counts_are_all_that_is_left() -> None:
    box = Outbox([Pigeon()])
    marked = "Qm9i" + os.urandom(8).hex()
    letter = Letter("hint", f"{marked}@example.org", marked, marked)
    box.post(letter)
    assert box.drain(10)
    del letter
    gc.collect()
    kept = [one for one in gc.get_objects() if isinstance(one, Letter) and marked in one.subject]
    assert kept == [] and marked not in repr(vars(box))
    box.close()


@pytest.mark.parametrize("way", ["mailgun", "postmark", "smtp", "kept"])
def test_no_address_and_no_text_is_left_in_the_senders_memory(way: str, tmp_path: Path) -> None:
    """The scan of a real process that has sent a letter over TLS; `kept` shows that it would find one."""
    script = Path(__file__).with_name("sender.py")
    launcher = {"MALLOC_PERTURB_": "165", "PYTHONMALLOC": "malloc", "GLIBC_TUNABLES": "glibc.malloc.tcache_count=0"}
    environment = {**os.environ, **launcher, "PYTHONPATH": "src:."}
    ran = subprocess.run(
        [sys.executable, script, way, tmp_path], env=environment, capture_output=True, text=True, timeout=60, cwd=ROOT
    )
    assert ran.returncode == 0, ran.stderr
    found = ran.stdout.split()
    assert found == (["address", "text"] if way == "kept" else []), found


def test_a_letter_that_nobody_waits_for_any_more_is_dropped_at_its_next_try() -> None:
    """Alice deletes her account while a letter to her waits; the records are away at one try."""
    pigeon, readers, asked = Pigeon(failures=1), {"alice@example.org"}, 0

    def wanted(address: str) -> bool:
        nonlocal asked
        asked += 1
        if asked == 2:
            raise MailError("the records are away")
        if asked == 1:
            return address in readers
        readers.clear()
        return address in readers

    outbox = Outbox((pigeon,), pauses=(0.01,), wanted=wanted)
    outbox.post(LETTER)
    assert outbox.drain(20) and outbox.counts() == {("reset", "nobody"): 1} and asked == 3
    outbox.close(0.0)
