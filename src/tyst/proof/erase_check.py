"""Deletion: a customer of whom everybody holds something deletes her account, and within a minute nobody has any of it.

A town on loopback: the real gate and site as processes, fakes of a card processor and a mail service. A marked customer
uses everything, deletes her account on its page, and is looked for: her values in every form in all files and memories,
herself by asking everybody who could know her. Then faults are planted, one for each way in which a deletion is known
to fail. Its parts: `erase/alice.py`, `erase/look.py`, `erase/doorstep.py`, `erase/backups.py`.
"""

import base64
import contextlib
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from ipaddress import IPv4Address, IPv6Address

from tyst.fleet import nodes
from tyst.lab.shop.shop import Town
from tyst.messages.admission import Admission, Verdict
from tyst.proof.check import Fault, How
from tyst.proof.check import Verdict as Result
from tyst.proof.erase import backups, look
from tyst.proof.erase.alice import NODE, TRACES, Alice, StageError
from tyst.proof.erase.doorstep import Doorstep
from tyst.proof.erase.look import Look, Traces

NAME = "erase"
MEANING = (
    "Who deletes her account is gone within a minute, from everything that is ours and from those who work for us."
)
SECONDS = 60.0
"""After so long nothing may be left."""
PAUSE = 0.5
POOL = "192.0.2.32"
CANNOT = (
    "What third parties keep by their own duty: a bank's records of a payment, a mail service's own log of letters.",
    "Sealed orders with processors and in the site's memory of open payments: the key that opens them dies in 31 days.",
    "A backup that an operator made by other means than ./tyst backup.",
    "A letter that waits for her in the jobs' process: it is dropped unsent at its next try, half an hour at most.",
    "PostgreSQL: this run is on SQLite, which overwrites at once. There a deleted row's bytes stay until the nightly"
    " rewrite, and minutes in the write-ahead log (docs/operate/postgresql.md).",
)
BEFORE = frozenset(
    {
        *(look.ROW, look.HANDLE, look.RESERVED, look.MANDATE, look.LISTED),
        *(f"her {mark} is in the file records.sqlite3" for mark in ("name", "mail address", "password's hash")),
        *(f"her {mark} is in the file records.sqlite3" for mark in ("handle", "owner's hash")),
        "her mail address is in the memory of the site",
        "her handle is in the memory of the gate",
    }
)
"""What the look must see while she is a customer, or it shows nothing."""


def run(how: How) -> Result:
    """Drives it; the long form once more, with the recovery code in place of the password. StageError when the stage
    doesn't work."""
    first = _driven(how, by_code=False)
    if not how.whole:
        return first
    second = _driven(how, by_code=True)
    faults = tuple(Fault(f"{one.what} (deleted by the recovery code)", one.caught) for one in second.faults)
    figures = {**first.figures, **{f"code_{name}": value for name, value in second.figures.items()}}
    found = tuple(sorted({*first.found, *second.found}))
    return replace(first, found=found, faults=(*first.faults, *faults), figures=figures)


def _driven(how: How, *, by_code: bool) -> Result:
    how.tell("a town with a gate, a site, a card processor and a mail service")
    with Town(parts=("braintree", "mailgun"), jobs=False) as town:
        return _Run(town, how, by_code=by_code).result()


class _Run:
    """One run in one town."""

    def __init__(self, town: Town, how: How, *, by_code: bool) -> None:
        self._town, self._how, self._alice, self._by_code = town, how, Alice(town), by_code
        self._found: set[str] = set()
        self._faults: list[Fault] = []
        self._figures: dict[str, float] = {}

    def result(self) -> Result:
        node = _node(self._town)
        self._how.tell("a marked customer uses everything")
        self._alice.join()
        self._alice.use_everything()
        device = node.open(self._alice.public)
        traces = look.traces(self._town, self._alice)
        looks = Look(self._town, traces)
        self._must_be_seen(looks, device)
        kept = backups.Backups(self._town, traces)
        self._how.tell("she deletes her account; everybody is searched and asked")
        self._alice.delete(by_code=self._by_code)
        began = time.monotonic()
        self._found |= self._opens(node, device)
        self._how.tell("backups: one of before is restored, and one past its horizon is tried")
        self._found |= kept.left()
        self._found |= self._gone(looks, began)
        self._how.tell("faults are planted")
        self._faults += [*self._planted(looks, traces, node), *kept.faults()]
        self._alice.close()
        return self._verdict(looks)

    def _must_be_seen(self, looks: Look, device: Admission) -> None:
        """The control: with all of it there, all of it is found."""
        if device.verdict is not Verdict.OPEN:
            raise StageError("her device was not let in")
        ends, seen = time.monotonic() + SECONDS, looks.left()
        while not seen >= BEFORE and time.monotonic() < ends:
            time.sleep(PAUSE)
            seen = looks.left()
        self._faults.append(Fault("her account as it was, before she deleted it, in every place", seen >= BEFORE))

    def _gone(self, looks: Look, began: float) -> set[str]:
        """What is left after a minute; looks again until nothing is."""
        left = looks.left()
        while left and time.monotonic() - began < SECONDS:
            time.sleep(PAUSE)
            left = looks.left()
        self._figures |= {"gone_after_s": round(time.monotonic() - began, 1), "searched_mb": looks.searched / 1e6}
        return left

    def _opens(self, node: Doorstep, device: Admission) -> set[str]:
        """What of hers still opens anything, and whether somebody could step into her name."""
        found = {f"{what} still opens" for what in self._alice.can_enter()}
        if node.open(self._alice.public).verdict is Verdict.OPEN:
            found.add("her device's key still opens a tunnel")
        if not node.ended(device.lease):
            found.add("her open tunnel goes on")
        if self._alice.name_is_free():
            found.add("her name can be taken at once")
        return found

    def _planted(self, looks: Look, traces: Traces, node: Doorstep) -> Iterator[Fault]:
        """Each is planted where a deletion is known to fail, and has to be found by the same look."""
        town, log = self._town, self._town.state / "access.log"
        places = ", ".join("?" * len(traces.row))
        row = f"INSERT OR REPLACE INTO account VALUES ({places})"  # noqa: S608 - places are question marks
        vault, lists = town.fakes["braintree"].vault.customers, town.fakes["mailgun"].lists
        line = base64.b64encode(b"signed in: " + self._alice.name.encode())
        plants: list[tuple[str, Callable[[], object], str]] = [
            ("the row is kept (and only marked as deleted)", lambda: look.sql(town.state, row, *traces.row), look.ROW),
            ("the public address stays hers", lambda: _reserve(town, traces), look.RESERVED),
            ("the card goes on renewing", lambda: vault.setdefault(traces.customer, {}), look.MANDATE),
            ("a mailing list keeps her", lambda: lists["unsubscribes"].add(self._alice.email), look.LISTED),
            ("a log has her name, in base64", lambda: log.write_bytes(line), "her name is in the file access.log"),
        ]
        for what, plant, sign in plants:
            plant()
            yield Fault(what, sign in looks.left())
        yield Fault("her device's key opens again, as the row is there", self._key_opens(node))
        with _holder(self._alice.name) as pid:
            looks.also["cache"] = pid
            yield Fault("a process remembers her name", "her name is in the memory of the cache" in looks.left())
            looks.also.clear()

    def _key_opens(self, node: Doorstep) -> bool:
        return node.open(self._alice.public).verdict is Verdict.OPEN

    def _verdict(self, looks: Look) -> Result:
        searched = (
            f"all files of the state folder and the memory of {' and '.join(self._town.processes())}, in every form",
            "the database by her name, her handle and the keyed hash of her name; processor and mail service by theirs",
            "what she could enter by: session, password, recovery code, device key, open tunnel; and her name",
            *backups.SEARCHED,
        )
        found = tuple(sorted(self._found))
        return Result(NAME, TRACES, searched, found, tuple(self._faults), CANNOT, self._figures)


def _node(town: Town) -> Doorstep:
    wanted = nodes.Wanted(NODE, "Stockholm", "se", IPv4Address("192.0.2.10"), IPv6Address("2001:db8::10"))
    nodes.add(town.state, wanted)
    node = Doorstep(town.gate, town.state / "ca.crt", nodes.token(town.state, NODE, town.gate))
    nodes.set_addresses(town.state, NODE, [(IPv4Address(POOL), "public")])
    return node


def _reserve(town: Town, traces: Traces) -> None:
    look.sql(town.state, "INSERT OR REPLACE INTO public_address (owner, address) VALUES (?, ?)", *traces.reserved)


@contextlib.contextmanager
def _holder(text: str) -> Iterator[int]:
    """A process that has a text in its memory, and not on its command line."""
    code = "import sys; kept = sys.stdin.readline(); print('ready', flush=True); sys.stdin.readline()"
    command = [sys.executable, "-c", code]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin and process.stdout
        process.stdin.write(text + "\n")
        process.stdin.flush()
        process.stdout.readline()
        try:
            yield process.pid
        finally:
            process.stdin.close()
