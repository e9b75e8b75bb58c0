"""Monero's own programs on a chain of their own: `monerod --regtest --offline`, a wallet RPC for the shop and one for
its customers. Debian's `monero` package; too old for the real network, and never asked to speak with it.

Everything listens on 127.0.0.1, on ports that were free, and lives in one folder that `close` removes. The buyer's
wallet has mined its money itself. Not for the product: `tyst.payments.monero` is.
"""

import json
import os
import secrets
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx

from tyst.lab.wait import wait_until

READY = 60.0
BLOCKS = 80
"""So many until the first outputs may be spent and a ring can be made of them."""
ADDRESS = "44wyLVxVpmpNkTPitFHEUL3CZK5a5GNiTESHHW62pqkjCAygieDU13CMWFGvNAYe2uRnt9X6zCurdHtsyfQMvPwNSK6dcAj"
VIEW_KEY = "f7fd8d3d02c7d8d52c15370f184e972246be792162c05b0967eeec6f6b73e106"
"""The shop's own wallet, of which only this is needed: made for such chains, and its spend key thrown away."""
_QUIET = ("--log-level", "0", "--log-file", "/dev/null", "--max-log-files", "1")
_NODE = ("--regtest", "--offline", "--fixed-difficulty", "1", "--no-igd", "--no-zmq", "--non-interactive")
_RATE = {"EUR": "150.25", "SEK": "1650.10", "USD": "171.30"}


class ChainError(Exception):
    """A Monero program did not do what it was asked: says which, and its error."""


class Program:
    """One of Monero's programs with a JSON-RPC door. Stopped by its own process id."""

    def __init__(self, name: str, words: Sequence[str], folder: Path, login: tuple[str, str] | None = None) -> None:
        self.name, self.login, self.port = name, login, free_port()
        self._words = [name, *words, "--rpc-bind-ip", "127.0.0.1", "--rpc-bind-port", str(self.port), *_QUIET]
        self._said = folder / f"{name}-{self.port}.out"
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    @property
    def address(self) -> str:
        """Of its door."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Starts it; `ready` waits for it."""
        with self._said.open("wb") as said:
            self._process = subprocess.Popen(
                self._words, stdin=subprocess.DEVNULL, stdout=said, stderr=said, start_new_session=True
            )

    def ready(self, method: str) -> None:
        """Waits until it answers."""
        wait_until(lambda: self._answers(method), within=READY, every=0.05, what=f"{self.name} to answer")

    def ask(self, method: str, **parameters: object) -> dict[str, Any]:
        """One JSON-RPC call's result. ChainError."""
        body = {"jsonrpc": "2.0", "id": "0", "method": method, "params": parameters}
        auth = httpx.DigestAuth(*self.login) if self.login else httpx.Auth()
        reply = httpx.post(f"{self.address}/json_rpc", json=body, auth=auth, timeout=READY, trust_env=False).json()
        if "result" not in reply:
            raise ChainError(f"{self.name} {method}: {reply['error']['message']}")
        result: dict[str, Any] = reply["result"]
        return result

    def stop(self, *, kill: bool = False) -> None:
        """Ends it: by SIGTERM, or at once."""
        process, self._process = self._process, None
        if process is None:
            return
        process.kill() if kill else process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(20)

    def _answers(self, method: str) -> bool:
        if self._process is None or self._process.poll() is not None:
            raise ChainError(f"{self.name} ended: {self._said.read_text(errors='replace')[-500:]}")
        with suppress(httpx.HTTPError, ValueError, ChainError):
            self.ask(method)
            return True
        return False


class Regtest:
    """The chain and its wallets. `shop`: the wallet RPC that the product speaks with; `buyer`: somebody with money."""

    def __init__(self, under: Path | None = None) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="tyst-monero-", dir=under))
        self._programs: list[Program] = []
        try:
            self._start()
        except BaseException:
            self.close()
            raise

    def _start(self) -> None:
        chain = ("--data-dir", str(self.folder / "chain"), "--p2p-bind-ip", "127.0.0.1", "--hide-my-port")
        more = ("--p2p-bind-port", str(free_port()), "--db-sync-mode", "fastest", "--check-updates", "disabled")
        self.node = self._program("monerod", (*_NODE, *chain, *more))
        self.buyer, self.shop = self._wallet("buyer"), self._wallet("shop")
        for wallet in (self.buyer, self.shop):
            wallet.ready("get_version")
        self.node.ready("get_info")
        self.buyer.ask("create_wallet", filename="purse", password="", language="English")
        self.purse = str(self.buyer.ask("get_address", account_index=0)["address"])
        self.mine(BLOCKS)

    def _wallet(self, name: str) -> Program:
        (self.folder / name).mkdir()
        login = (name, secrets.token_hex(8))
        words = ("--daemon-address", f"127.0.0.1:{self.node.port}", "--trusted-daemon", "--rpc-login", ":".join(login))
        return self._program("monero-wallet-rpc", (*words, "--wallet-dir", str(self.folder / name)), login)

    def _program(self, name: str, words: Sequence[str], login: tuple[str, str] | None = None) -> Program:
        program = Program(name, words, self.folder, login)
        self._programs.append(program)
        return program

    @property
    def wallets(self) -> Path:
        """The folder of the shop's wallets."""
        return self.folder / "shop"

    def answers(self, rates: Path, first_month: int) -> dict[str, str]:
        """What the operator of this chain's shop would answer (`payments.monero.setup`)."""
        user, password = self.shop.login or ("", "")
        return {
            "wallet_rpc": self.shop.address,
            "user": user,
            "password": password,
            "node": self.node.address,
            "folder": str(self.wallets),
            "address": ADDRESS,
            "view_key": VIEW_KEY,
            "rates": str(rates),
            "confirmations": "10",
            "first_month": str(first_month),
        }

    def mine(self, blocks: int) -> None:
        """So many blocks, all the buyer's."""
        self.node.ask("generateblocks", amount_of_blocks=blocks, wallet_address=self.purse)

    def pay(self, address: str, piconero: int, *, unlock_time: int = 0) -> str:
        """From the buyer's purse into the pool; the transaction's id."""
        self.buyer.ask("refresh")
        to = [{"amount": piconero, "address": address}]
        return str(self.buyer.ask("transfer", destinations=to, unlock_time=unlock_time)["tx_hash"])

    def close(self) -> None:
        """Stops all and removes the folder."""
        for program in reversed(self._programs):
            program.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


def write_rates(path: Path, now: Callable[[], datetime], table: dict[str, str] | None = None) -> None:
    """A fresh file of rates, as an operator's own cron job would write it."""
    draft = path.with_suffix(".new")
    draft.write_text(json.dumps({"time": now().isoformat(), **(table or _RATE)}))
    os.replace(draft, path)


def free_port() -> int:
    """One that nobody listened on just now."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
