"""`./tyst lab shop`: a shop at http://localhost:8000 in which a person buys in every way, until Ctrl-C."""

import argparse
import signal
import sys

PORT = 8000
PARTS = ("braintree", "swish", "coinpayments", "monero", "mailgun", "postmark", "smtp")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What may be said to it."""
    parser.add_argument("--port", type=int, default=PORT, help=f"the shop's port on localhost (default {PORT})")
    parser.add_argument("--only", nargs="+", choices=PARTS, metavar="PART", help=f"only these: {', '.join(PARTS)}")


def run(args: argparse.Namespace) -> int:
    """Stays in front; takes everything away at Ctrl-C."""
    # Fakes, Django and the mail sink are loaded only for this.
    from tyst.lab.shop.regtest import ChainError
    from tyst.lab.shop.shop import Town, TownError
    from tyst.lab.wait import NotInTime

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it otherwise
    parts = tuple(args.only or PARTS)
    print("Opening the shop" + (" (Monero's chain takes some seconds)" if "monero" in parts else "") + " …", flush=True)
    try:
        with Town(parts=parts, http=args.port) as town:
            print(f"The shop:  {town.url}    (sign up there: a name and a password, an e-mail address if you like)")
            print(f"The board: {town.board.page}    (pay, decline, make blocks, issue vouchers, read the letters)")
            for name, fake in town.fakes.items():
                print(f"  {name:<13}{fake.page}")
            print("Nothing here is real money. Ctrl-C takes it all away.", flush=True)
            signal.pause()
    except KeyboardInterrupt:
        print("\nGone.")
    except (TownError, ChainError, NotInTime, OSError) as error:
        print(f"tyst lab shop: {error}", file=sys.stderr)
        return 1
    return 0
