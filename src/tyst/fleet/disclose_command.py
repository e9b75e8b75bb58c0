"""`./tyst disclose`: answers one order of an authority about one named account, with two operators' approvals.

`approve` and `answer` take the same words, and nothing of them is kept: an approval is a signature over them, and the
answer goes into the folder that the operator names. There is no word for an address, a time, a payment or a part of a
name: what can't be asked here can't be searched. Counterparts: `disclosure.py`, docs/operate/court-orders.md.
"""

import argparse
import os
import sys
from datetime import UTC, datetime
from pathlib import Path

from tyst.core.court import Asked, CourtError, Request, approve
from tyst.core.keyring import KeyringError
from tyst.fleet import operators
from tyst.payments.config import ConfigError
from tyst.records.errors import RecordsError
from tyst.records.transparency import signing_key

STATE = Path("/var/lib/tyst")
JSON, PDF = "answer.json", "answer.pdf"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's words."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    key = actions.add_parser("key", help="make an operator's own key, and print its public half")
    key.add_argument("--to", type=Path, required=True, metavar="FILE", help="where the private half goes")
    people = actions.add_parser("operators", help="show, add or remove those who may approve")
    people.add_argument("--add", nargs=2, metavar=("NAME", "PUBLIC"), help="an operator and her public key")
    people.add_argument("--remove", metavar="NAME")
    _state(people)
    yes = actions.add_parser("approve", help="approve one request with your own key")
    _request(yes)
    yes.add_argument("--key", type=Path, required=True, metavar="FILE", help="your private key")
    yes.add_argument("--name", required=True, help="your name among the operators")
    yes.add_argument("--to", type=Path, required=True, metavar="FILE", help="where the approval goes")
    answer = actions.add_parser("answer", help=f"write {JSON} and {PDF}, and count the request")
    _request(answer)
    answer.add_argument("--approval", type=Path, action="append", required=True, metavar="FILE", help="two of them")
    answer.add_argument("--to", type=Path, required=True, metavar="FOLDER", help="where the answer goes")
    _state(answer)


def _request(parser: argparse.ArgumentParser) -> None:
    """The words of a request, the same for whoever approves and whoever answers."""
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--account", metavar="NAME", help="a whole user name; - reads it from standard input")
    what.add_argument("--email", metavar="ADDRESS", help="a whole mail address; - reads it from standard input")
    what.add_argument("--preservation", action="store_true", help="an order to keep or not to delete something")
    what.add_argument("--search", action="store_true", help="an order that names no account: it can't be answered")
    parser.add_argument("--reference", required=True, help="the order's reference")
    parser.add_argument("--authority", required=True, help="who ordered it")
    parser.add_argument("--by", required=True, metavar="COUNTRY", help="the authority's country, two letters")


def _state(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--state", type=Path, default=STATE, help=f"state folder (default {STATE})")


def run(args: argparse.Namespace) -> int:
    """Does it; 1 with a sentence when it can't be done."""
    try:
        return _ACTIONS[args.action](args)
    except (CourtError, RecordsError, KeyringError, ConfigError) as error:
        return _say(str(error))
    except OSError as error:
        return _say(f"{error.strerror or 'a file can not be read'}: are --state and the files' names right?")


def _key(args: argparse.Namespace) -> int:
    print(operators.new_key(args.to))
    return 0


def _operators(args: argparse.Namespace) -> int:
    if args.add:
        operators.add(args.state, *args.add)
    if args.remove:
        operators.remove(args.state, args.remove)
    from tyst.core.signed import public_text

    for name, key in sorted(operators.read(args.state).items()):
        print(f"{name:<33}{public_text(key)}")
    return 0


def _approve(args: argparse.Namespace) -> int:
    approval = approve(_asked(args), args.name, _now().date(), signing_key(args.key))
    _write(args.to, approval)
    print("Approved, for a week. Hand the file to whoever answers, and delete it afterwards.")
    return 0


def _answer(args: argparse.Namespace) -> int:
    from tyst.fleet import disclosure

    files = (args.to / JSON, args.to / PDF)
    if any(path.exists() for path in files) or not args.to.is_dir():
        raise CourtError(f"--to is a folder that is there, with no {JSON} or {PDF} in it")
    made = disclosure.made(args.state, _asked(args), [path.read_bytes() for path in args.approval], _now())
    for path, content in zip(files, (made.document, made.pages), strict=True):
        _write(path, content)
    print(f"Answer: {made.answer}. The public counter went up by one. Hand both files over, then delete them here.")
    return 0


def _asked(args: argparse.Namespace) -> Request:
    words = {"reference": args.reference, "authority": args.authority, "by": args.by}
    if args.preservation or args.search:
        return Request(Asked.PRESERVATION if args.preservation else Asked.SEARCH, **words)
    return Request(Asked.DISCLOSURE, **words, username=_typed(args.account), email=_typed(args.email))


def _typed(given: str | None) -> str:
    return sys.stdin.readline().strip() if given == "-" else given or ""


def _write(path: Path, content: bytes) -> None:
    """A new file for its owner alone; one that is there stays."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(content)


_ACTIONS = {"key": _key, "operators": _operators, "approve": _approve, "answer": _answer}


def _now() -> datetime:
    return datetime.now(UTC)


def _say(sentence: str) -> int:
    print(f"tyst disclose: {sentence}.", file=sys.stderr)
    return 1
