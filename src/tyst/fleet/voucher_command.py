"""`./tyst voucher issue`: bearer vouchers. The codes are printed once, as lines, as a table for resellers, or as sheets
of paper with QR codes (`voucher_sheet.py`); the records hold only their hashes."""

import argparse
import os
import secrets
import sys
from collections.abc import Sequence
from pathlib import Path

from tyst.core.product import PRODUCTS, Product
from tyst.core.voucher import RANDOM_BYTES, hash_of, new_code
from tyst.fleet import voucher_sheet
from tyst.fleet.voucher_sheet import Batch
from tyst.records.statements import RecordsError, open_records
from tyst.records.where import chosen

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
    issue.add_argument("--sheet", type=Path, metavar="FILE", help="print them as sheets of A4 (PDF) instead of here")
    issue.add_argument("--csv", action="store_true", help="as a table: code, days, product, link")
    issue.add_argument("--language", choices=voucher_sheet.LANGUAGES, default="en", help="of the sheets (default en)")
    issue.add_argument("--state", type=Path, default=STATE, help=f"state folder (default {STATE})")


def run(args: argparse.Namespace) -> int:
    """Issues vouchers; 1 with a sentence when there are no records, or the file can't be written."""
    codes = new_codes(args.count)
    try:
        if args.sheet is None and not args.csv:
            put(args.state, codes, days=args.days, product=args.product)
            print("\n".join(codes))
        else:
            _written(args, codes)
    except RecordsError as error:
        return _say(f"{error}")
    except FileExistsError:
        return _say("there is such a file already, and it may hold vouchers: name another")
    except OSError as error:
        return _say(f"{error.strerror or 'the file can not be written'}; no voucher was issued")
    return 0


def _written(args: argparse.Namespace, codes: Sequence[str]) -> None:
    """The file is written before the vouchers count, so that a full disk costs nobody any."""
    batch = Batch(codes, args.days, Product(args.product), _site(args.state), args.language)
    if args.sheet is not None:
        _write_private(args.sheet, voucher_sheet.as_pdf(batch))
    try:
        put(args.state, codes, days=args.days, product=args.product)
    except RecordsError:
        if args.sheet is not None:
            args.sheet.unlink()
        raise
    if args.csv:
        print(voucher_sheet.as_csv(batch), end="")
    else:
        print(f"{len(codes)} vouchers are in {args.sheet}. Print it, and delete the file.")


def issue(state: Path, *, days: int, count: int, product: str = Product.SUBSCRIPTION) -> list[str]:
    """Fresh codes whose hashes are in the records."""
    codes = new_codes(count)
    put(state, codes, days=days, product=product)
    return codes


def new_codes(count: int) -> list[str]:
    """Codes that nobody knows yet."""
    return [new_code(secrets.token_bytes(RANDOM_BYTES)) for _ in range(count)]


def put(state: Path, codes: Sequence[str], *, days: int, product: str) -> None:
    """Makes the codes count: their hashes go into the records."""
    records = open_records(chosen(state))
    records.put_vouchers([hash_of(code) for code in codes], days, product)
    records.close()


def _site(state: Path) -> str:
    records = open_records(chosen(state))
    fleet = records.fleet()
    records.close()
    if fleet is None:
        raise RecordsError("the site's address isn't known: run `./tyst fleet init` first")
    return fleet.site


def _write_private(path: Path, content: bytes) -> None:
    """For its owner alone, and never over another file: that may hold the only copy of vouchers."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)


def _say(sentence: str) -> int:
    print(f"tyst voucher: {sentence}.", file=sys.stderr)
    return 1


def _positive(text: str) -> int:
    if not text.isdigit() or not 0 < int(text) <= MOST:
        raise argparse.ArgumentTypeError(f"a whole number from 1 to {MOST}")
    return int(text)
