"""One process of the voucher race: many threads, each of which tries to redeem the same code for its own account.

usage: python -m tests.unit.records.redeemer DATABASE CODE FIRST COUNT     Prints how many succeeded.
"""

import sys
from datetime import UTC, datetime

from tyst.records.migrate import configure
from tyst.records.where import named


def main(path: str, code: str, first: int, count: int) -> int:
    """Runs the threads; they start together."""
    configure(named(path))
    from tests.unit.records.together import together
    from tyst.records.vouchers import NoVoucherError, redeem

    def spend(handle: bytes) -> datetime | None:
        try:
            return redeem(handle, code, datetime(2026, 3, 1, tzinfo=UTC))
        except NoVoucherError:
            return None

    return len(together(first, count, spend))


if __name__ == "__main__":
    print(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
