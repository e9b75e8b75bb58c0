"""View-only wallets, one a month, in `monero-wallet-rpc`: what there is of an order, and how it ends.

All months have the operator's one address and view key, and each an account of its own (1 for the first month, 2 for
the next …), so that no subaddress is handed out twice and a payment to an old one can't count for a new order. An
order's subaddress is labelled with its quote; the label is in the wallet's file, encrypted with a password made of the
view key. Thirty days after its month the files are overwritten and deleted: no order lives longer. The wallet RPC has
one wallet open at a time and serves site and jobs: whoever uses it holds STATE/monero.lock, and asks which is open.

Not ours: the public chain, and the operator's own wallet, which sees the same payments without any label.
"""

import calendar
import fcntl
import hashlib
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from tyst.core.rounding import month_of
from tyst.payments.monero.client import NO_WALLET, Rpc, WalletError
from tyst.payments.monero.quote import Payment, Quote, from_label
from tyst.payments.provider import PaymentError

KEPT = timedelta(days=30)
"""After the month's end: as long as its last order lives (`core.seal.Kind.ORDER`)."""
AHEAD = timedelta(days=3)
"""So long before a month begins, a sweep makes its wallet: no buyer has to wait for it."""
_NAME = re.compile(r"tyst-(\d{6})\.keys")
_BEFORE = 10
"""Blocks: a new wallet reads the chain from this far back."""


@dataclass(frozen=True)
class Place:
    """Where one order is paid to. `minor`: the subaddress's number in its account."""

    minor: int = field(repr=False)
    address: str = field(repr=False)
    quote: Quote


@dataclass(frozen=True)
class Keys:
    """What the operator's wallet is known by, and the month of the first sale (YYYYMM)."""

    address: str = field(repr=False)
    view_key: str = field(repr=False)
    first: int


class Month:
    """One month's wallet, open now. Only inside `Wallets.month`."""

    def __init__(self, rpc: Rpc, account: int) -> None:
        self._rpc, self._account = rpc, account

    def places(self) -> Sequence[Place]:
        """All orders' places."""
        found = self._rpc.call("get_address", account_index=self._account).get("addresses")
        quotes = ((row, from_label(str(row.get("label", "")))) for row in _rows(found))
        return [Place(_number(row, "address_index"), str(row.get("address")), quote) for row, quote in quotes if quote]

    def add(self, quote: Quote) -> Place:
        """A fresh subaddress for an order, on disk before anybody is told of it."""
        made = self._rpc.call("create_address", account_index=self._account, label=quote.label())
        self._rpc.call("store")
        return Place(_number(made, "address_index"), str(made.get("address")), quote)

    def relabel(self, place: Place, quote: Quote) -> Place:
        """The same subaddress at a new price."""
        index = {"major": self._account, "minor": place.minor}
        self._rpc.call("label_address", index=index, label=quote.label())
        self._rpc.call("store")
        return Place(place.minor, place.address, quote)

    def payments(self, *minors: int) -> Mapping[int, Sequence[Payment]]:
        """What came in, by subaddress (all, or those named). What is locked for later, or spent elsewhere, isn't in."""
        self._rpc.call("refresh")
        wanted: dict[str, object] = {"in": True, "pool": True, "account_index": self._account}
        said = self._rpc.call("get_transfers", **wanted, **({"subaddr_indices": list(minors)} if minors else {}))
        found: dict[int, list[Payment]] = {}
        for row in (*_rows(said.get("in", [])), *_rows(said.get("pool", []))):
            if _is_money(row):
                index = row.get("subaddr_index")
                minor = _number(index if isinstance(index, dict) else {}, "minor")
                found.setdefault(minor, []).append(_payment(row))
        return found


class Wallets:
    """The months' wallets of one wallet RPC. `node`: the daemon behind it; `folder`: its --wallet-dir."""

    def __init__(
        self, rpc: Rpc, node: Rpc, keys: Keys, *, folder: Path, lock: Path, now: Callable[[], datetime]
    ) -> None:
        self._rpc, self._node, self._keys = rpc, node, keys
        self._folder, self._lock, self._now = folder, lock, now

    def __repr__(self) -> str:
        return "Wallets()"

    @contextmanager
    def month(self, of: int | None = None) -> Iterator[Month]:
        """This month's wallet, made when there is none, or another's. Nobody else has the RPC meanwhile."""
        with self._held():
            yield self._open(of or self.current())

    @contextmanager
    def all(self) -> Iterator[Iterator[Month]]:
        """Every wallet in turn, the oldest first and this month's last; the next month's is made when it is near."""
        with self._held():
            now = self.current()
            coming = month_of(self._now() + AHEAD)
            yield (
                self._open(month) for month in sorted({*self.months(), now, coming}, key=lambda one: (one == now, one))
            )

    def current(self) -> int:
        """This month, YYYYMM."""
        return month_of(self._now())

    def months(self) -> Sequence[int]:
        """Those whose files are there."""
        try:
            names = [_NAME.fullmatch(path.name) for path in self._folder.iterdir()]
        except OSError:
            raise PaymentError("the folder of Monero's wallets can't be read") from None
        return sorted(int(name[1]) for name in names if name)

    def forget(self) -> int:
        """Destroys the wallets whose month ended more than thirty days ago; how many."""
        today = self._now().astimezone(UTC).date()
        gone = [month for month in self.months() if _last_day(month) + KEPT < today]
        if gone:
            with self._held():
                with suppress(PaymentError):  # it must not write the file anew; when it isn't there it can't
                    self._rpc.call("close_wallet")
                try:
                    for month in gone:
                        _destroy(self._folder, _name(month))
                except OSError:
                    raise PaymentError("an old wallet can't be destroyed: may Tyst write in its folder?") from None
        return len(gone)

    def may_destroy(self) -> bool:
        """Whether the wallets' files can be deleted when their time has come."""
        return os.access(self._folder, os.W_OK)

    def height(self) -> int:
        """The chain's height, as the node has it."""
        return _number(self._node.call("get_info"), "height")

    @contextmanager
    def _held(self) -> Iterator[None]:
        try:
            handle = os.open(self._lock, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError:
            raise PaymentError("Monero's lock in the state folder can't be opened") from None
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)

    def _open(self, month: int) -> Month:
        account = _months_between(self._keys.first, month) + 1
        if account < 1:
            raise PaymentError("the clock is before the first month in payments.toml")
        if not self._is_open(month, account):
            if month in self.months():
                self._rpc.call("open_wallet", filename=_name(month), password=self._password(month))
            else:
                self._make(month)
            self._fill(month, account)
        return Month(self._rpc, account)

    def _is_open(self, month: int, account: int) -> bool:
        try:
            labels = self._labels()
        except WalletError as error:
            if error.code == NO_WALLET:
                return False
            raise
        return len(labels) == account + 1 and labels[account] == str(month)

    def _labels(self) -> Sequence[str]:
        return [str(row.get("label")) for row in _rows(self._rpc.call("get_accounts").get("subaddress_accounts"))]

    def _make(self, month: int) -> None:
        keys = {"address": self._keys.address, "viewkey": self._keys.view_key}
        height = max(0, self.height() - _BEFORE)
        name = {"filename": _name(month), "password": self._password(month)}
        self._rpc.call("generate_from_keys", **keys, **name, restore_height=height)

    def _fill(self, month: int, account: int) -> None:
        """Accounts up to the month's own: only that one has its name."""
        for number in range(len(self._labels()), account + 1):
            self._rpc.call("create_account", label=str(month) if number == account else "")
        self._rpc.call("store")

    def _password(self, month: int) -> str:
        return hashlib.sha256(f"tyst monero wallet {month} {self._keys.view_key}".encode()).hexdigest()


def _name(month: int) -> str:
    return f"tyst-{month}"


def _last_day(month: int) -> date:
    year, number = divmod(month, 100)
    return date(year, number, calendar.monthrange(year, number)[1])


def _months_between(first: int, month: int) -> int:
    return (month // 100 - first // 100) * 12 + month % 100 - first % 100


def _destroy(folder: Path, name: str) -> None:
    """Overwritten and deleted: the wallet, its keys, and the note of its address that some versions write."""
    for path in (folder / name, folder / f"{name}.keys", folder / f"{name}.address.txt"):
        with suppress(FileNotFoundError):
            with path.open("r+b") as file:
                file.write(bytes(path.stat().st_size))
                file.flush()
                os.fsync(file.fileno())
            path.unlink()


def _is_money(row: Mapping[str, Any]) -> bool:
    """Not what its sender locked until a block in a hundred years (`unlock_time`), nor what he sent elsewhere too."""
    return row.get("unlock_time") == 0 and row.get("double_spend_seen") is False


def _payment(row: Mapping[str, Any]) -> Payment:
    in_block = _number(row, "height") > 0
    at = datetime.fromtimestamp(_number(row, "timestamp"), UTC) if in_block else None
    return Payment(_number(row, "amount"), _number(row, "confirmations") if in_block else 0, at)


def _rows(found: object) -> Sequence[Mapping[str, Any]]:
    if not isinstance(found, list) or not all(isinstance(row, dict) for row in found):
        raise PaymentError("Monero's wallet RPC answered something that makes no sense")
    return found


def _number(row: Mapping[str, Any], name: str) -> int:
    value = row.get(name)
    if not isinstance(value, int) or value < 0:
        raise PaymentError("Monero's wallet RPC answered something that makes no sense")
    return value
