"""A town with a shop: site, gate and jobs as processes of a real provider, the processors' fakes, mail services that
keep what they get, and Monero's own programs on a chain of their own. All on loopback, in one folder of a RAM disk.

What `./tyst lab shop` shows a person, and what the browser tests buy in. Not the namespaced lab: no tunnels here.
Counterparts: `command.py` (in front of a person), `board.py` (the page with the buttons), `regtest.py` (Monero).
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Collection
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol

from tyst.fleet import voucher_command
from tyst.lab.ca import Authority
from tyst.lab.shop.board import Board
from tyst.lab.shop.braintree import FakeBraintree
from tyst.lab.shop.coinpayments import FakeCoinPayments
from tyst.lab.shop.letters import Received
from tyst.lab.shop.mailgun import FakeMailgun
from tyst.lab.shop.monero import MoneroTown
from tyst.lab.shop.postmark import FakePostmark
from tyst.lab.shop.processor import write
from tyst.lab.shop.regtest import free_port
from tyst.lab.shop.smtp import FakeSmtp
from tyst.lab.shop.swish import FakeSwish
from tyst.lab.wait import wait_until
from tyst.mail import config as mail_config
from tyst.payments import config

PAYMENTS = ("braintree", "swish", "coinpayments", "monero")
MAIL = ("mailgun", "postmark", "smtp")
"""In the order in which the town's mail tries them."""
ALL = (*PAYMENTS, *MAIL)
SELLER = {
    "name": "Tyst Lab AB",
    "address": "Storgatan 1, 111 22 Stockholm",
    "country": "se",
    "vat_id": "SE556703748501",
}
SENDER = "Tyst <post@tyst.test>"
LAUNCHER = Path(__file__).resolve().parents[4] / "tyst"
READY = 60.0
_GEOIP = "# Countries\n2130706432,2130706433,SE\n"


class Fake(Protocol):
    """What the town asks of a processor's fake (`shop/NAME.py`)."""

    page: str
    """Where a person presses 'pay', 'decline', …: an address on loopback, http://127.0.0.1:PORT/…"""

    def answers(self) -> dict[str, str]:
        """What `./tyst payments setup NAME` would be told: its table of payments.toml (with CA file, certificates)."""

    def call_at(self, address: str) -> None:
        """Where callbacks go (`http://localhost:8000/pay/NAME/`), for a processor at which that is registered."""

    def close(self) -> None:
        """Stops it."""


class TownError(Exception):
    """A process of the town did not start: says which and what it printed."""


class Town:
    """`parts`: which of `ALL` to have. `http`, `https`, `board`: ports (0: any). `jobs`: whether they run. `database`:
    an address of PostgreSQL (none: a SQLite file).

    with Town(parts=("swish", "smtp")) as town:
        town.url, town.https         # http://localhost:PORT, https://localhost:PORT (its authority: town.ca_file)
        town.board.page              # the page of the fakes, of vouchers and of mails
        town.fakes["swish"]          # the fake object itself (`FakeSwish`), for tests
        town.monero.pay(link); town.monero.mine(10)
        town.letters()               # all that the mail services have got
        town.voucher(days=30)        # a fresh code
        town.said()                  # what all processes printed, but for 'ready'
    """

    def __init__(
        self,
        *,
        parts: Collection[str] = ALL,
        http: int = 0,
        https: int = 0,
        board: int = 0,
        jobs: bool = True,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        database: str = "",
    ) -> None:
        self._parts, self._jobs, self._now, self._board_port = tuple(parts), jobs, now, board
        self._database = database
        self._ports = http or free_port(), https or free_port()
        self.url, self.https = f"http://localhost:{self._ports[0]}", f"https://localhost:{self._ports[1]}"
        self.authority = Authority()
        self.fakes: dict[str, Any] = {}
        self._running: list[tuple[str, subprocess.Popen[bytes]]] = []
        self._words: dict[str, tuple[str, ...]] = {}

    def __enter__(self) -> "Town":
        self.folder = Path(tempfile.mkdtemp(prefix=f"tyst-shop-{os.getpid()}-", dir=_ram()))
        self.state = self.folder / "state"
        try:
            self._open()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def ca_file(self) -> Path:
        """The authority of the site's HTTPS and of the fakes, PEM."""
        return self.folder / "ca.pem"

    @property
    def monero(self) -> MoneroTown:
        """The chain."""
        chain: MoneroTown = self.fakes["monero"]
        return chain

    def letters(self) -> list[Received]:
        """Everything that any of the mail services has got, service by service."""
        return [letter for name in MAIL if name in self.fakes for letter in self.fakes[name].letters]

    def voucher(self, days: int = 30, product: str = "subscription") -> str:
        """A fresh voucher's code."""
        return voucher_command.issue(self.state, days=days, count=1, product=product)[0]

    def processes(self) -> dict[str, int]:
        """The town's processes: their ids by name."""
        return {name: process.pid for name, process in self._running}

    def said(self) -> str:
        """What the processes printed so far, but for the one word that each says at its start."""
        texts = [path.read_text(errors="replace") for path in sorted(self.folder.glob("*.out"))]
        return "".join(text.replace("ready\n", "", 1) for text in texts)

    def run(self, *words: str) -> str:
        """What one `./tyst` command prints. TownError when it fails."""
        command = [str(LAUNCHER), *words, "--state", str(self.state)]
        done = subprocess.run(command, env=_environment(), capture_output=True, text=True, timeout=READY, check=False)
        if done.returncode:
            raise TownError(f"tyst {words[0]}: {done.stderr.strip()}")
        return done.stdout

    def restart(self) -> None:
        """Stops every process and starts it again, on the same state."""
        self._stop()
        for name, words in self._words.items():
            self._start(name, *words)

    def close(self) -> None:
        """Stops all, by their process ids, and takes the folder away."""
        self._stop()
        for fake in self.fakes.values():
            fake.close()
        self.fakes.clear()
        if hasattr(self, "board"):
            self.board.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _stop(self) -> None:
        for _, process in reversed(self._running):
            process.terminate()
        for _, process in self._running:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(20)
        self._running.clear()

    def _open(self) -> None:
        write(self.ca_file, self.authority.certificate)
        for name in self._parts:
            self.fakes[name] = self._fake(name)
        where = ("--database", self._database) if self._database else ()
        words = ("--site", "https://tyst.test", "--gate-name", "gate.tyst.test", "--name", "localhost")
        self.run("fleet", "init", *words, *where)
        self._configure()
        gate = free_port()
        self.gate = f"https://localhost:{gate}"
        self._start("gate", "gate", "--listen", f"127.0.0.1:{gate}")
        http, https = (f"127.0.0.1:{port}" for port in self._ports)
        reached = ("--gate", self.gate, "--geoip", str(self.folder / "geoip"))
        self._start("site", "serve", *reached, "--http", http, "--https", https)
        if self._jobs:
            self._start("jobs", "jobs")
        self.board = Board(self, self._board_port)

    def _fake(self, name: str) -> Fake:
        folder, own = self.folder / name, self.authority
        makers: dict[str, Callable[[], Any]] = {
            "braintree": lambda: FakeBraintree(self._now),
            "swish": lambda: FakeSwish(folder, self._now, own),
            "coinpayments": lambda: FakeCoinPayments(folder, self._now, own),
            "monero": lambda: MoneroTown(folder, self._now),
            "mailgun": lambda: FakeMailgun(folder, own),
            "postmark": lambda: FakePostmark(folder, own),
            "smtp": lambda: FakeSmtp(folder, own),
        }
        fake: Fake = makers[name]()
        return fake

    def _configure(self) -> None:
        """What the operator's wizards would have written."""
        tls = self.authority.issue(["localhost"])
        (self.state / "tls").mkdir(exist_ok=True)
        write(self.state / "tls" / "site.crt", tls.certificate)
        write(self.state / "tls" / "site.key", tls.key)
        write(self.folder / "geoip", _GEOIP)
        tables = {"seller": SELLER}
        for name in PAYMENTS:
            if name in self.fakes:
                self.fakes[name].call_at(f"{self.url}/pay/{name}/")
                tables[name] = self.fakes[name].answers()
        config.write(self.state, tables)
        order = tuple(name for name in MAIL if name in self.fakes)
        for name in order:
            if hasattr(self.fakes[name], "call_at"):
                self.fakes[name].call_at(f"{self.url}/mail/{name}")
        if order:
            answers = {name: self.fakes[name].answers() for name in order}
            mail_config.write(self.state, mail_config.Config(SENDER, order, answers))

    def _start(self, name: str, *words: str) -> None:
        """One process; returns when it says that it is ready."""
        self._words[name] = words
        said = self.folder / f"{name}.out"
        command = [str(LAUNCHER), *words, "--state", str(self.state)]
        with said.open("wb") as out:
            process = subprocess.Popen(
                command, env=_environment(), stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True
            )
        self._running.append((name, process))
        wait_until(lambda: _is_ready(process, said), within=READY, every=0.05, what=f"the {name} to be ready")


def _is_ready(process: "subprocess.Popen[bytes]", said: Path) -> bool:
    text = said.read_text(errors="replace")
    if process.poll() is not None:
        raise TownError(f"{said.stem} ended: {text.strip()}")
    return "ready\n" in text


def _environment() -> dict[str, str]:
    return {**os.environ, "TYST_PYTHON": sys.executable}


def _ram() -> str | None:
    """A RAM disk, where there is one."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
