"""`./tyst voucher issue`: bearer vouchers. The codes are printed once; the records hold only their hashes."""

import argparse
import secrets
import sys
from pathlib import Path

from tyst.core.product import PRODUCTS, Product
from tyst.core.voucher import RANDOM_BYTES, hash_of, new_code
from tyst.gate.wiring import RECORDS
from tyst.records.statements import RecordsError, open_records

STATE = Path("/var/lib/tyst")
MOST = 10_000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's words."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    issue = actions.add_parser("issue", help="make vouchers and print their codes")
    issue.add_argument("--days", type=_positive, required=True, help="days each is worth")
    issue.add_argument("--count", type=_positive, default=1, help="how many (default 1)")
    issue.add_argument(
        "--for",
        dest="product",
        choices=PRODUCTS,
        default=Product.SUBSCRIPTION.value,
        help="what they are good for (default subscription)",
    )
    issue.add_argument("--state", type=Path, default=STATE, help=f"state folder (default {STATE})")


def run(args: argparse.Namespace) -> int:
    """Issues vouchers; 1 with a sentence when there are no records."""
    try:
        codes = issue(args.state, days=args.days, count=args.count, product=args.product)
    except RecordsError as error:
        print(f"tyst voucher: {error}.", file=sys.stderr)
        return 1
    print("\n".join(codes))
    return 0


def issue(state: Path, *, days: int, count: int, product: str = Product.SUBSCRIPTION) -> list[str]:
    """Fresh codes whose hashes are in the records."""
    codes = [new_code(secrets.token_bytes(RANDOM_BYTES)) for _ in range(count)]
    records = open_records(state / RECORDS)
    records.put_vouchers([hash_of(code) for code in codes], days, product)
    records.close()
    return codes


def _positive(text: str) -> int:
    if not text.isdigit() or not 0 < int(text) <= MOST:
        raise argparse.ArgumentTypeError(f"a whole number from 1 to {MOST}")
    return int(text)
