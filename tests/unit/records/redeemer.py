"""One process of the voucher race: many threads, each of which tries to redeem the same code for its own account.

usage: python -m tests.unit.records.redeemer DATABASE CODE FIRST COUNT     Prints how many succeeded.
"""

import sys
import threading
from datetime import UTC, datetime
from pathlib import Path

from tyst.records.migrate import configure


def main(path: str, code: str, first: int, count: int) -> int:
    """Runs the threads; they start together."""
    configure(Path(path))
    from django.db import connection

    from tyst.records.vouchers import NoVoucherError, redeem

    start, won = threading.Barrier(count), []

    def one(number: int) -> None:
        start.wait(timeout=60)
        try:
            redeem(number.to_bytes(16), code, datetime(2026, 3, 1, tzinfo=UTC))
            won.append(number)
        except NoVoucherError:
            pass
        finally:
            connection.close()

    threads = [threading.Thread(target=one, args=(first + place,)) for place in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return len(won)


if __name__ == "__main__":
    print(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
