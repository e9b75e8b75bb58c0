"""`./tyst payments`: the operator sets up her processors, and tries them.

The answers are asked one by one (secrets without echo) or come from a file of the form of `payments.toml`'s table. They
are tried at the processor before they are written, so that the file never holds what doesn't work. Amounts, names and
keys are never printed. `./tyst payments sweep` is the jobs' (`./tyst jobs once sweep`): what it finds has receipts.
"""

import argparse
import getpass
import sys
import tomllib
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from tyst.core.events import Room
from tyst.payments import config, seller, vies, wiring
from tyst.payments.config import ConfigError
from tyst.payments.provider import PaymentError, Question
from tyst.quiet import fence

STATE = Path("/var/lib/tyst")
NAMES = (*wiring.PROCESSORS, seller.NAME, vies.NAME)
Ask = Callable[[str], str]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What may be said to `tyst payments`."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    setup = actions.add_parser("setup", help="ask for a processor's credentials, try them, and write them down")
    setup.add_argument("name", choices=NAMES, metavar="NAME", help=", ".join(NAMES))
    setup.add_argument("--answers", type=Path, metavar="FILE", help='answers as lines `question = "answer"` (TOML)')
    setup.add_argument("--site", default="https://YOUR-SITE", help="where customers reach the site, for the callbacks")
    setup.add_argument("--untried", action="store_true", help="write the answers even if the processor can't be asked")
    remove = actions.add_parser("remove", help="offer a processor no longer, and forget its credentials")
    remove.add_argument("name", choices=NAMES, metavar="NAME", help=", ".join(NAMES))
    shown = actions.add_parser("list", help="say which processors are set up")
    check = actions.add_parser("check", help="speak with the processors and say whether they answer")
    check.add_argument("name", nargs="?", choices=wiring.PROCESSORS, metavar="NAME")
    # `sweep` never gets here: `cli` hands it to the jobs.
    actions.add_parser(
        "sweep", help="ask the processors for payments that no callback told of (./tyst jobs once sweep)"
    )
    for action in (setup, remove, shown, check):
        action.add_argument("--state", type=Path, default=STATE, help=f"state folder (default {STATE})")


@fence.muted(Room.PAYMENTS)
def run(args: argparse.Namespace) -> int:
    """0 when all is well; 1 when a processor says no; 2 with a sentence when something is missing."""
    try:
        return _ACTIONS[args.action](args)
    except ConfigError as error:
        return _say(str(error), 2)
    except PaymentError as error:
        return _say(f"{error}; nothing was written", 1)
    except EOFError:
        return _say("an answer is missing; nothing was written", 2)
    except OSError as error:
        return _say(f"{error.strerror or 'this can not be done'}: is --state right, and may you write there?", 2)


def _setup(args: argparse.Namespace) -> int:
    questions = wiring.questions(args.name)
    given = _from_file(args.answers, questions) if args.answers else asked(questions, input, getpass.getpass)
    kept = config.read(args.state).get(args.name, {})
    # What a folder added when it was first set up stays (Monero's first month).
    added = {name: value for name, value in kept.items() if name not in {one.name for one in questions}}
    answers = wiring.completed(args.name, {**added, **given}, _now())
    sentence = _tried(args, answers)
    config.write(args.state, {**config.read(args.state), args.name: answers})
    print(sentence)
    print(wiring.afterwards(args.name).replace("{callback}", f"{args.site.rstrip('/')}/pay/{args.name}/"))
    return 0


def _tried(args: argparse.Namespace, answers: Mapping[str, str]) -> str:
    if args.name == seller.NAME:
        seller.seller_of(answers)
        return "The receipts' seller is written down."
    if args.name == vies.NAME:
        return "VIES is asked." if vies.of(answers) else "VIES is not asked."
    one = wiring.provider(args.name, answers, args.state, _now)
    return "Written down untried." if args.untried else one.check()


def asked(questions: tuple[Question, ...], ask: Ask, ask_secret: Ask) -> dict[str, str]:
    """The answers; asked again while one that is needed stays empty."""
    answers = {}
    for question in questions:
        shown = f"{question.asks}{' (may stay empty)' if question.optional else ''}: "
        while not (given := (ask_secret if question.secret else ask)(shown).strip()) and not question.optional:
            pass
        if given:
            answers[question.name] = given
    return answers


def _from_file(path: Path, questions: tuple[Question, ...]) -> dict[str, str]:
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        raise ConfigError('the file of answers has lines of the form `question = "answer"`') from None
    names = {question.name for question in questions}
    if set(table) - names:
        raise ConfigError(f"the file of answers has another question; they are {', '.join(sorted(names))}")
    return {name: str(value).strip() for name, value in table.items() if str(value).strip()}


def _remove(args: argparse.Namespace) -> int:
    tables = config.read(args.state)
    if tables.pop(args.name, None) is None:
        return _say(f"{args.name} isn't set up here", 2)
    config.write(args.state, tables)
    print("Removed. The site offers it no longer from its next start on.")
    return 0


def _list(args: argparse.Namespace) -> int:
    tables = config.read(args.state)
    for name in NAMES:
        print(f"{name:<13}{'set up' if name in tables else '-'}")
    return 0


def _check(args: argparse.Namespace) -> int:
    found = wiring.providers(args.state, _now)
    if args.name and args.name not in found:
        return _say(f"{args.name} isn't set up here", 2)
    failed = 0
    for name, one in found.items():
        if args.name in (None, name):
            try:
                print(f"{name}: {one.check()}")
            except PaymentError as error:
                failed = _say(f"{name}: {error}", 1)
    return failed


_ACTIONS = {"setup": _setup, "remove": _remove, "list": _list, "check": _check}


def _now() -> datetime:
    return datetime.now(UTC)


def _say(sentence: str, code: int) -> int:
    print(f"tyst payments: {sentence}.", file=sys.stderr)
    return code
