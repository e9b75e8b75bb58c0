"""A process that sends one letter and is then searched, from outside, for what was in it: see test_outbox.py.

Run as `sender.py WAY FOLDER`. The child gets the letter by a pipe, sends it to a fake in this process, and waits; this
process reads the child's memory and prints which of the marks it found.
"""

import os
import sys
from pathlib import Path


def main(way: str, folder: Path) -> None:
    """Sends and searches."""
    from tyst.lab.ca import Authority
    from tyst.lab.shop.mailgun import FakeMailgun
    from tyst.lab.shop.postmark import FakePostmark
    from tyst.lab.shop.smtp import FakeSmtp

    fakes = {"mailgun": FakeMailgun, "postmark": FakePostmark, "smtp": FakeSmtp}
    kind = "mailgun" if way == "kept" else way
    fake = fakes[kind](folder, Authority())
    address, text = f"{os.urandom(9).hex()}@example.org", os.urandom(24).hex()
    down, up = os.pipe(), os.pipe()
    environment = {**os.environ, "ANSWERS": repr((kind, fake.answers())), "WAY": way}
    for handle in (down[0], up[1]):
        os.set_inheritable(handle, True)
    child = os.spawnve(os.P_NOWAIT, sys.executable, [sys.executable, __file__, str(down[0]), str(up[1])], environment)
    os.write(down[1], f"{address}\n{text}\n".encode())
    assert os.read(up[0], 1) == b"k", "it sent the letter"
    assert len(fake.letters) == 1
    found = [name for name, mark in (("address", address), ("text", text)) if holds(child, mark)]
    os.write(down[1], b"\n")
    os.waitpid(child, 0)
    print(*found)
    fake.close()


def holds(pid: int, mark: str) -> bool:
    """Whether a process's memory holds the mark, as ASCII or as wide characters."""
    needles = (mark.encode(), mark.encode("utf-16-le"))
    with Path(f"/proc/{pid}/maps").open() as maps, Path(f"/proc/{pid}/mem").open("rb", 0) as memory:
        for line in maps:
            where, rights = line.split()[:2]
            if not rights.startswith("rw"):
                continue
            start, end = (int(part, 16) for part in where.split("-"))
            try:
                memory.seek(start)
                content = memory.read(end - start)
            except OSError:
                continue
            if any(needle in content for needle in needles):
                return True
    return False


def send(down: int, up: int) -> None:
    """The child: sends what it is told, as a site does, and waits to be searched."""
    import ast

    from django.conf import settings

    from tyst.mail import wiring
    from tyst.mail.config import Config
    from tyst.mail.outbox import Outbox

    settings.configure(USE_TZ=True, LOGGING_CONFIG=None)
    name, answers = ast.literal_eval(os.environ["ANSWERS"])
    box = Outbox(wiring.services(Config("Tyst <hello@tyst.test>", (name,), {name: answers})))
    kept = posted(box, down)
    assert box.drain(30) and box.counts() == {("trial", "taken"): 1}
    settle()
    os.write(up, b"k")
    os.read(down, 1)
    del kept


def posted(box: "object", down: int) -> "object":
    """Reads and posts the letter; keeps it only for the planted fault."""
    from tyst.mail.letter import Letter

    address, text = os.read(down, 500).decode().split()
    letter = Letter("trial", address, "A letter", text)
    box.post(letter)  # type: ignore[attr-defined]
    return letter if os.environ["WAY"] == "kept" else None


def settle() -> None:
    """As the site's sweeper does after a request, until the sender's thread has been round."""
    import gc
    import threading

    for _ in range(5):
        threading.Event().wait(0.1)
        gc.collect()


if __name__ == "__main__":
    sys.path[:0] = ["src", "."]
    if sys.argv[1].isdigit():
        send(int(sys.argv[1]), int(sys.argv[2]))
    else:
        main(sys.argv[1], Path(sys.argv[2]))
