"""The machine stops between the journal's entry and the commit: nothing is revived by a restore, no money is lost, and
without a restore everything goes on as if nothing had been written."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.unit.records.keeper import ENGINES, Keeper, kept, make
from tests.unit.records.test_restore import Bought
from tyst.core.owner import OWNER

A, B = b"a" * 16, b"b" * 16
CODE_BYTES = b"0123456789"


class Crash(BaseException):
    """The machine's end."""


@pytest.fixture(autouse=True, params=ENGINES)
def keeper(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Keeper]:
    with kept(tmp_path, request.param) as found:
        yield found


@pytest.fixture(autouse=True)
def tables() -> None:
    """These tests have tables of their own."""


@pytest.fixture(autouse=True)
def where() -> None:
    """And look there by themselves."""


def _acts(keeper: Keeper) -> dict[str, Callable[[], Any]]:
    from tyst.core.voucher import new_code
    from tyst.records import erase, settlement, vouchers

    owners = keeper.site_keys().secrets[OWNER]
    return {
        "delete": lambda: erase.delete_account(A, owners, keeper.now),
        "rekey": lambda: erase.rekey(A, B, keeper.now),
        "redeem": lambda: vouchers.redeem(A, new_code(CODE_BYTES), keeper.now),
        "grant": lambda: settlement.grant(Bought(b"serial-1"), settlement.Share(1, 1), keeper.now),
    }


def _prepared(keeper: Keeper) -> Path:
    from tyst.core.voucher import hash_of, new_code
    from tyst.records.models import Voucher

    make("alice", A)
    Voucher(hash=hash_of(new_code(CODE_BYTES)), days=30).save(force_insert=True)
    return keeper.backup()


def _crash(monkeypatch: pytest.MonkeyPatch, act: Callable[[], Any]) -> None:
    """The act's entry is in the journal, and its transaction is not committed."""
    from tyst.records.undone import Undone

    real = Undone._change

    def change(self: Undone, *args: Any, **words: Any) -> None:
        real(self, *args, **words)
        raise Crash

    with monkeypatch.context() as patched, pytest.raises(Crash):
        patched.setattr(Undone, "_change", change)
        act()


def _days(keeper: Keeper) -> int | None:
    """How long Alice has time; None when she isn't there."""
    from tyst.records.models import Account

    alice = Account.objects.filter(username="alice").first()
    if alice is None:
        return None
    return 0 if alice.subscription is None else (alice.subscription.date() - keeper.now.date()).days


@pytest.mark.parametrize(
    ("act", "after", "again"), [("delete", 0, None), ("rekey", 0, 0), ("redeem", 0, 30), ("grant", 0, 30)]
)
def test_without_a_restore_it_did_not_happen_and_can_be_done_again(
    keeper: Keeper, monkeypatch: pytest.MonkeyPatch, act: str, after: int, again: int | None
) -> None:
    from tyst.records import undone
    from tyst.records.backup import tidying

    _prepared(keeper)
    _crash(monkeypatch, _acts(keeper)[act])
    assert _days(keeper) == after
    tidying.tidy(keeper.where, undone.current(), keeper.now.date())
    _acts(keeper)[act]()
    assert _days(keeper) == again


@pytest.mark.parametrize(("act", "days"), [("delete", None), ("rekey", 0), ("redeem", 30), ("grant", 30)])
def test_with_a_restore_right_after_nothing_is_revived_and_nothing_is_lost(
    keeper: Keeper, monkeypatch: pytest.MonkeyPatch, act: str, days: int | None
) -> None:
    from tyst.records import accounts, settlement, vouchers

    path = _prepared(keeper)
    _crash(monkeypatch, _acts(keeper)[act])
    keeper.restore(path)
    assert _days(keeper) == days
    if act == "rekey":
        assert accounts.by_handle(A) is None and accounts.by_handle(B) is not None
    if act in ("redeem", "grant"):
        with pytest.raises((vouchers.NoVoucherError, settlement.SpentError)):
            _acts(keeper)[act]()
        assert _days(keeper) == days


def test_the_planted_fault_is_seen(keeper: Keeper, monkeypatch: pytest.MonkeyPatch) -> None:
    """Notes after the commit, as one would write it first: the machine stops in between, and a restore revives her."""
    from tyst.records.undone import Undone

    path = _prepared(keeper)

    def late(self: Undone, *_: Any, **__: Any) -> None:
        """Not yet."""

    with monkeypatch.context() as patched:
        patched.setattr(Undone, "_change", late)
        _acts(keeper)["delete"]()
    assert _days(keeper) is None
    keeper.restore(path)
    assert _days(keeper) == 0, "she is back"
