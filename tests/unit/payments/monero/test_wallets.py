"""The months' wallets over an RPC that is a dictionary: which wallet is open, what is made, what is destroyed.

That the real one behaves so is shown in tests/contract/payments/test_monero.py.
"""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tyst.core.money import Money
from tyst.lab.shop.regtest import ADDRESS, VIEW_KEY
from tyst.payments.monero.client import NO_WALLET, Rpc, WalletError
from tyst.payments.monero.quote import Quote
from tyst.payments.monero.wallets import Keys, Wallets
from tyst.payments.provider import PaymentError

NOVEMBER = datetime(2026, 11, 24, 12, tzinfo=UTC)


class Wallet(Rpc):
    """A wallet RPC. `files`: labels of each wallet's accounts, and of the subaddresses in each."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.files, self.open = folder, dict[str, list[str]](), ""
        self.labels: dict[str, list[list[str]]] = {}
        self.asked: list[str] = []

    def call(self, method: str, **given: object) -> dict[str, Any]:
        self.asked.append(method)
        act = getattr(self, f"_{method}", None)
        return act(**given) if act else {}

    def _get_info(self) -> dict[str, Any]:
        return {"height": 100}

    def _generate_from_keys(self, *, filename: str, **_: object) -> dict[str, Any]:
        (self.folder / f"{filename}.keys").write_bytes(b"keys of " + filename.encode())
        (self.folder / filename).write_bytes(b"cache")
        self.files[filename], self.labels[filename] = ["Primary account"], [[]]
        return self._open_wallet(filename=filename)

    def _open_wallet(self, *, filename: str, **_: object) -> dict[str, Any]:
        self.open = filename
        return {}

    def _close_wallet(self) -> dict[str, Any]:
        self.open = ""
        return {}

    def _get_accounts(self) -> dict[str, Any]:
        if not self.open:
            raise WalletError(NO_WALLET)
        return {"subaddress_accounts": [{"label": label} for label in self.files[self.open]]}

    def _create_account(self, *, label: str) -> dict[str, Any]:
        self.files[self.open].append(label)
        self.labels[self.open].append([])
        return {}

    def _create_address(self, *, account_index: int, label: str) -> dict[str, Any]:
        self.labels[self.open][account_index].append(label)
        return {"address_index": len(self.labels[self.open][account_index]), "address": f"{self.open}/{account_index}"}


class Town:
    """Site and jobs over one wallet RPC."""

    def __init__(self, folder: Path) -> None:
        self.now, self.folder, self.rpc = NOVEMBER, folder, Wallet(folder)
        self.site, self.jobs = self.wallets(), self.wallets()

    def wallets(self, first: int = 202610) -> Wallets:
        keys, lock = Keys(ADDRESS, VIEW_KEY, first), self.folder / "lock"
        return Wallets(self.rpc, self.rpc, keys, folder=self.folder, lock=lock, now=lambda: self.now)

    def sell(self) -> str:
        """Where an order lands: wallet and account."""
        with self.site.month() as month:
            return month.add(Quote("A" * 151, Money(5900, "EUR"), 10**9, self.now)).address


@pytest.fixture
def town(tmp_path: Path) -> Town:
    return Town(tmp_path)


def test_each_month_has_a_wallet_and_an_account_of_its_own(town: Town) -> None:
    assert town.sell() == "tyst-202611/2"
    town.now += timedelta(days=10)
    assert town.sell() == "tyst-202612/3"
    assert town.rpc.files["tyst-202612"] == ["Primary account", "", "", "202612"]


def test_an_open_wallet_is_not_opened_again(town: Town) -> None:
    town.sell()
    town.rpc.asked.clear()
    town.sell()
    assert town.rpc.asked == ["get_accounts", "create_address", "store"], "stored before anybody is told"


def test_no_order_lands_in_a_wallet_that_the_jobs_left_open(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    town.sell()
    with town.jobs.month(202612):
        pass
    with monkeypatch.context() as patch:
        patch.setattr(Wallets, "_is_open", lambda *_: True)
        assert town.sell() == "tyst-202612/2", "without our check it would"
    assert town.sell() == "tyst-202611/2"


def test_a_wallet_that_was_half_made_is_completed(town: Town) -> None:
    town.rpc._generate_from_keys(filename="tyst-202611")
    town.rpc.open = ""
    assert town.sell() == "tyst-202611/2"


def test_a_sweep_sees_every_wallet_and_ends_with_this_months(town: Town) -> None:
    town.sell()
    town.now += timedelta(days=5)  # the 29th: December is near
    with town.jobs.all() as months:
        assert len(list(months)) == 2
    assert town.jobs.months() == [202611, 202612] and town.rpc.open == "tyst-202611"


@pytest.mark.parametrize(
    ("day", "kept"), [(datetime(2026, 12, 30, 23, tzinfo=UTC), True), (datetime(2026, 12, 31, tzinfo=UTC), False)]
)
def test_a_wallet_ends_thirty_days_after_its_month(town: Town, day: datetime, kept: bool) -> None:
    town.sell()
    stranger = town.folder / "somebody-elses.keys"
    stranger.write_bytes(b"keys")
    town.now = day
    assert town.jobs.forget() == (0 if kept else 1)
    assert (town.folder / "tyst-202611.keys").exists() is kept is (town.folder / "tyst-202611").exists()
    assert kept or town.rpc.open == "", "closed first, or the wallet RPC would write it anew"
    assert stranger.exists()


def test_a_clock_before_the_first_month_sells_nothing(town: Town) -> None:
    with pytest.raises(PaymentError), town.wallets(first=202701).month():
        raise AssertionError("it opened")


def test_a_folder_that_is_gone_is_a_sentence(town: Town) -> None:
    town.folder = town.folder / "gone"
    with pytest.raises(PaymentError) as raised:
        Wallets(
            town.rpc, town.rpc, Keys("", "", 1), folder=town.folder, lock=town.folder, now=lambda: NOVEMBER
        ).months()
    assert "gone" not in str(raised.value)
