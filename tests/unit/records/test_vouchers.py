"""Vouchers: exactly once, also in a race, and without a trace of whose it was."""

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.unit.records.people import NOW, make
from tyst.core.voucher import VoucherError, hash_of, new_code
from tyst.records.where import Where, word

ROOT = Path(__file__).resolve().parents[3]


def issue(days: int = 30) -> str:
    from tyst.records.models import Voucher

    code = new_code(os.urandom(10))
    Voucher(hash=hash_of(code), days=days).save(force_insert=True)
    return code


def test_alice_gains_the_vouchers_days_to_the_end_of_the_last_one() -> None:
    from tyst.records import accounts, vouchers

    make()
    assert vouchers.redeem(b"a" * 16, issue().lower(), NOW) == datetime(2026, 3, 31, 23, 59, 59, tzinfo=UTC)
    assert vouchers.redeem(b"a" * 16, issue(), NOW) == datetime(2026, 4, 30, 23, 59, 59, tzinfo=UTC)
    alice = accounts.by_handle(b"a" * 16)
    assert alice is not None and alice.updated_at == datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_an_ended_subscription_starts_again_today() -> None:
    from tyst.records import vouchers

    make()
    vouchers.redeem(b"a" * 16, issue(1), NOW)
    later = NOW + timedelta(days=100)
    assert vouchers.redeem(b"a" * 16, issue(1), later).date() == (later + timedelta(days=1)).date()


def test_bob_cannot_use_alices_voucher_again() -> None:
    from tyst.records import vouchers
    from tyst.records.models import Voucher

    make()
    make("bob", b"b" * 16)
    code = issue()
    vouchers.redeem(b"a" * 16, code, NOW)
    assert not Voucher.objects.exists(), "nothing of a used voucher is left"
    for handle in (b"a" * 16, b"b" * 16):
        with pytest.raises(vouchers.NoVoucherError):
            vouchers.redeem(handle, code, NOW)


def test_a_refusal_changes_nothing() -> None:
    from tyst.records import vouchers
    from tyst.records.models import Account, Voucher

    make()
    code = issue()
    with pytest.raises(VoucherError):
        vouchers.redeem(b"a" * 16, code[:-1] + ("0" if code[-1] != "0" else "1"), NOW)
    with pytest.raises(vouchers.NoAccountError):
        vouchers.redeem(b"nobody" + bytes(10), code, NOW)
    assert Voucher.objects.count() == 1 and Account.objects.get().subscription is None


def test_of_200_people_in_two_processes_one_redeems_the_voucher(where: Where) -> None:
    from tyst.records.models import Account, Voucher

    for number in range(200):
        make(f"person{number}", number.to_bytes(16))
    code = issue()
    command = [sys.executable, "-m", "tests.unit.records.redeemer", word(where), code]
    environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"}
    halves = [
        subprocess.Popen([*command, str(first), "100"], stdout=subprocess.PIPE, env=environment, text=True, cwd=ROOT)
        for first in (0, 100)
    ]
    won = [int(half.communicate(timeout=120)[0]) for half in halves]
    assert sum(won) == 1
    assert Account.objects.filter(subscription__isnull=False).count() == 1
    assert not Voucher.objects.exists()
