"""Monero for a person at the counter: the chain of `regtest.py`, and a page from which somebody pays and mines.

Nothing is faked: the buyer's purse is a wallet of its own, and blocks are made only when a button says so. Keeps the
file with the rate fresh, as an operator's own timer would. Counterpart: `tyst.payments.monero`, which knows none of it.
"""

import html
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from tyst.lab.shop.processor import Asked, Reply, _Port
from tyst.lab.shop.regtest import ChainError, Regtest, write_rates

_FRESH = 600.0
_PAGE = """<!doctype html><title>Monero</title><h1>Monero (a chain of its own)</h1><p>{said}</p>
<form method="post"><label>The order page's link (monero:…?tx_amount=…)<br>
<textarea name="link" rows="3" cols="80"></textarea></label><br>
<button name="button" value="pay">Pay it</button> <button name="button" value="half">Pay half of it</button></form>
<form method="post"><button name="button" value="1">Make a block</button>
<button name="button" value="10">Make ten blocks</button></form>
<p>A payment is seen at once, and certain after ten blocks.</p>"""


class MoneroTown:
    """The chain with a page. `pay`, `mine`: as the buttons do."""

    def __init__(self, folder: Path, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._now, self.rates = now, folder / "rates.json"
        self.chain = Regtest(folder)
        self._said, self._done = "", threading.Event()
        write_rates(self.rates, now)
        self._timer = threading.Thread(target=self._keep_fresh, daemon=True)
        self._timer.start()
        self._port = _Port(self._show, None)
        self.page = f"http://127.0.0.1:{self._port.number}/"

    def answers(self) -> dict[str, str]:
        """Its table of payments.toml."""
        now = self._now()
        return self.chain.answers(self.rates, now.year * 100 + now.month)

    def call_at(self, address: str) -> None:
        """Monero calls nobody."""

    def pay(self, link: str, part: int = 1) -> None:
        """Pays what a `monero:` link says, or a part of it (2: half)."""
        split = urlsplit(link.strip())
        amount = Decimal(parse_qs(split.query)["tx_amount"][0])
        self.chain.pay(split.path, int(amount * 10**12) // part)

    def mine(self, blocks: int) -> None:
        """Makes blocks."""
        self.chain.mine(blocks)

    def close(self) -> None:
        """Stops all."""
        self._done.set()
        self._port.close()
        self.chain.close()
        self._timer.join(10)

    def _keep_fresh(self) -> None:
        while not self._done.wait(_FRESH):
            write_rates(self.rates, self._now)

    def _show(self, asked: Asked) -> Reply:
        if asked.method != "POST":
            said, self._said = self._said, ""
            return Reply(200, _PAGE.format(said=html.escape(said)).encode(), {"Content-Type": "text/html"})
        form = parse_qs(asked.body.decode())
        try:
            self._said = self._press(form.get("button", [""])[0], form.get("link", [""])[0])
        except (ChainError, KeyError, InvalidOperation) as error:
            self._said = f"That didn't work: {error}"
        return Reply(303, b"", {"Location": "/"})

    def _press(self, button: str, link: str) -> str:
        if button.isdigit():
            self.mine(int(button))
            return f"{button} block{'s' if button != '1' else ''} made."
        self.pay(link, 2 if button == "half" else 1)
        return "Paid: it is in the pool."
