"""The town's board: one page on loopback that leads a person to the shop, the fakes' buttons, vouchers and her letters.

Plain HTML of the lab's own; no page of the product.
"""

import html
from collections.abc import Sequence
from typing import TYPE_CHECKING

from tyst.lab.shop.letters import Received
from tyst.lab.shop.processor import Asked, Reply, _Port

if TYPE_CHECKING:
    from tyst.lab.shop.shop import Town

_STYLE = "body{font:16px/1.5 sans-serif;max-width:50rem;margin:2rem auto}pre{white-space:pre-wrap;background:#eee}"
_WAYS = {
    "braintree": "cards: test numbers to type, and settle, charge back or refund what was paid",
    "swish": "pay or decline an open payment",
    "coinpayments": "pay all or a part of an open invoice",
    "monero": "pay from a wallet with money, and make blocks",
    "mailgun": "what this mail service was given",
    "postmark": "what this mail service was given",
    "smtp": "what the mail server was given",
}


class Board:
    """`page`: where it is."""

    def __init__(self, town: "Town", port: int = 0) -> None:
        self._town, self._codes = town, list[str]()
        self._port = _Port(self._answer, None, port)
        self.page = f"http://127.0.0.1:{self._port.number}/"

    def close(self) -> None:
        """Stops it."""
        self._port.close()

    def _answer(self, asked: Asked) -> Reply:
        if asked.method == "POST":
            self._codes.append(self._town.voucher())
            return Reply(303, b"", {"Location": "/"})
        parts = asked.path.strip("/").split("/")
        if len(parts) == 3 and parts[0] == "letter" and parts[1].isdigit() and parts[2].isdigit():
            return self._file(int(parts[1]), int(parts[2]))
        return Reply(200, self._html().encode(), {"Content-Type": "text/html; charset=utf-8"})

    def _file(self, letter: int, number: int) -> Reply:
        letters = self._town.letters()
        if letter >= len(letters) or number >= len(letters[letter].files):
            return Reply(404)
        return Reply(200, letters[letter].files[number][1], {"Content-Type": "application/pdf"})

    def _html(self) -> str:
        town = self._town
        ways = "".join(
            f'<li><a href="{html.escape(fake.page)}">{name}</a>: {_WAYS[name]}' for name, fake in town.fakes.items()
        )
        codes = "".join(f"<li><code>{code}</code> (30 days)" for code in self._codes)
        letters = "".join(_letter(number, one) for number, one in enumerate(town.letters()))
        return (
            f"<!doctype html><title>Tyst: a shop to try</title><style>{_STYLE}</style><h1>A shop to try</h1>"
            f'<p>The shop: <a href="{town.url}">{town.url}</a>. No money is real here.</p>'
            f"<h2>The other side</h2><ul>{ways}</ul>"
            f'<h2>Vouchers</h2><form method="post"><button>Issue one</button></form><ul>{codes}</ul>'
            f"<h2>Letters</h2>{letters or '<p>None yet.</p>'}"
        )


def _letter(number: int, one: Received) -> str:
    return (
        f"<h3>{html.escape(one.subject)}</h3><p>to {html.escape(one.to)} {_files(number, one.files)}</p>"
        f"<pre>{html.escape(one.text)}</pre>"
    )


def _files(letter: int, files: Sequence[tuple[str, bytes]]) -> str:
    return " ".join(
        f'<a href="/letter/{letter}/{number}">{html.escape(name)}</a>' for number, (name, _) in enumerate(files)
    )
