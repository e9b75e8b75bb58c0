"""Monero in the shared suite: no fake at all, but monerod and two wallet RPCs from Debian on a chain of their own.

One chain for the whole test process (it takes some ten seconds to start): `chain()`; test_monero.py uses it too.
"""

import atexit
import socket
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from functools import cache
from pathlib import Path

from tests.contract.payments.suite import Button, Clock, Door, Shop, Trouble, patched
from tyst.core.money import Money
from tyst.core.order import Order
from tyst.core.rounding import month_of
from tyst.lab.shop.regtest import Regtest, write_rates
from tyst.payments.monero import client
from tyst.payments.monero.client import Rpc
from tyst.payments.monero.provider import Monero, build
from tyst.payments.provider import Callback, Checkout, Event

OVER = timedelta(hours=2)
"""After the fixed amount's time, and the hour that blocks are given."""
SECRET = "something-the-wallet-said"


@cache
def chain() -> Regtest:
    """The chain of this test process; stopped at its end."""
    one = Regtest()
    atexit.register(one.close)
    return one


def asked(checkout: Checkout) -> int:
    """Piconero of the amount that the buyer is shown."""
    return int(dict(checkout.lines)["amount"].removesuffix(" XMR").replace(".", "")) * 10**6


class MoneroShop(Shop):
    name = "monero"
    calls_back = returns = False
    parts = True
    buttons = frozenset({Button.PAY, Button.EXPIRE})

    def __init__(self, state: Path, clock: Clock) -> None:
        self.chain, self.clock, self._state = chain(), clock, state
        self.rates = state / "rates.json"
        self.answers = self.chain.answers(self.rates, month_of(clock.now()))
        self.forget()

    def forget(self) -> None:
        write_rates(self.rates, self.clock.now)
        self.provider: Monero = build(self.answers, self._state, self.clock.now)

    def later(self, much: timedelta) -> None:
        super().later(much)
        write_rates(self.rates, self.clock.now)

    def press(
        self, button: Button, order: Order, reference: str, checkout: Checkout, amount: Money | None = None
    ) -> Sequence[Event]:
        if button is Button.PAY:
            share = amount.minor if amount else order.total.minor
            self.chain.pay(dict(checkout.lines)["address"], asked(checkout) * share // order.total.minor)
            self.chain.mine(10)
        if button is Button.EXPIRE or amount is not None:
            self.later(OVER)
        return ()

    def forgeries(self, true: Callback, other: str) -> Mapping[str, Callback]:
        return {"made up": replace(true, path=other)}

    def unguarded(self) -> AbstractContextManager[None]:
        raise NotImplementedError("there is no callback that could be forged")

    @contextmanager
    def trouble(self, trouble: Trouble) -> Iterator[None]:
        with _sick(trouble) as address, patched(client, "PATIENCE", 0.5):
            rpc = Rpc(address, ("shop", self.answers["password"]))
            with patched(self.provider._wallets, "_rpc", rpc):
                yield

    def stranger(self) -> Monero:
        return build({**self.answers, "password": "not the password"}, self._state, self.clock.now)

    def markers(self) -> Sequence[str]:
        secrets = self.answers["password"], self.answers["view_key"], self.answers["address"]
        return (*secrets, self.chain.purse, SECRET)


@contextmanager
def shop(state: Path, door: Door, clock: Clock) -> Iterator[Shop]:
    yield MoneroShop(state, clock)


_ANSWERS = {
    Trouble.GARBAGE: f"HTTP/1.1 200 OK\r\nContent-Length: 30\r\n\r\n{SECRET:<30}",
    Trouble.ERROR: f"HTTP/1.1 500 Oh\r\nContent-Length: 30\r\n\r\n{SECRET:<30}",
    Trouble.CUT: f"HTTP/1.1 200 OK\r\nContent-Length: 3000\r\n\r\n{SECRET}",
}


@contextmanager
def _sick(trouble: Trouble) -> Iterator[str]:
    """A wallet RPC that is unwell: its address. It never answers when it is SLOW."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        if trouble is not Trouble.DOWN:
            threading.Thread(target=_serve, args=(server, _ANSWERS.get(trouble, "")), daemon=True).start()
        else:
            server.close()
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            with suppress(OSError):
                server.shutdown(socket.SHUT_RDWR)


def _serve(server: socket.socket, answer: str) -> None:
    kept = []
    with suppress(OSError):
        while True:
            connection, _ = server.accept()
            with suppress(OSError):
                connection.recv(1 << 16)
                connection.sendall(answer.encode())
            if answer:
                connection.close()
            else:
                kept.append(connection)
    for connection in kept:
        connection.close()
