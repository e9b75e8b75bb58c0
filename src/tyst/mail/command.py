"""`./tyst mail`: the operator sets up how letters leave, and tries it."""

import argparse
import getpass
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from importlib import import_module
from pathlib import Path

from tyst.core.events import Room
from tyst.mail import config
from tyst.mail.config import SERVICES, Config, ConfigError
from tyst.mail.letter import Letter, MailError, Question
from tyst.quiet import fence

Ask = Callable[[str], str]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What may be said to `tyst mail`."""
    parser.add_argument(
        "action", choices=("setup", "check", "try"), help="set up a service, check all, send a trial letter"
    )
    parser.add_argument("what", nargs="?", help="setup: mailgun, postmark or smtp; try: an address of yours")
    parser.add_argument("--state", type=Path, default=Path("/var/lib/tyst"), help="folder of keys and database")
    parser.add_argument(
        "--site", default="https://YOUR-SITE", help="setup: where customers reach the site, for the instructions"
    )


@fence.muted(Room.MAIL)
def run(args: argparse.Namespace) -> int:
    """0 when all is well; 1 when a service says no; 2 with a sentence when something is missing."""
    try:
        if args.action == "setup":
            return _setup(args, input, getpass.getpass)
        found = config.read(args.state)
        if found is None:
            return _say("mail isn't set up here: `tyst mail setup mailgun`, postmark or smtp", 2)
        return _check(found) if args.action == "check" else _try(found, args.what or "")
    except ConfigError as error:
        return _say(str(error), 2)
    except OSError as error:
        return _say(f"{error.strerror or 'this can not be done'}: is --state right, and may you write there?", 2)


def _setup(args: argparse.Namespace, ask: Ask, ask_secret: Ask) -> int:
    if args.what not in SERVICES:
        return _say(f"name a service: {', '.join(SERVICES)}", 2)
    setup = import_module(f"tyst.mail.{args.what}.setup")
    found = config.read(args.state)
    sender = found.sender if found else ask("Sender, as customers see it (Name <address>): ").strip()
    answers = answered(setup.QUESTIONS, ask, ask_secret)
    config.write(args.state, with_service(found, sender, args.what, answers))
    print(setup.AFTERWARDS.format(bounces=f"{args.site}/mail/{args.what}"))
    now = config.read(args.state)
    return _check(now) if now else 2


def answered(questions: "tuple[Question, ...]", ask: Ask, ask_secret: Ask) -> dict[str, str]:
    """The answers, asked again while one that is needed stays empty."""
    answers: dict[str, str] = {}
    for question in questions:
        shown = f"{question.asks}{f' [{question.default}]' if question.default else ''}: "
        while not (given := (ask_secret if question.secret else ask)(shown).strip()) and question.default is None:
            pass
        answers[question.name] = given or question.default or ""
    return answers


def with_service(found: Config | None, sender: str, name: str, answers: Mapping[str, str]) -> Config:
    """The file with this service's answers; a new service goes to the end of the order."""
    if found is None:
        return Config(sender, (name,), {name: answers})
    order = found.order if name in found.order else (*found.order, name)
    return replace(found, order=order, answers={**found.answers, name: answers})


def _check(found: Config) -> int:
    from tyst.mail import wiring

    _django()
    failed = 0
    for one in wiring.services(found):
        try:
            print(f"{one.name}: {one.check()}")
        except MailError as error:
            failed = 1
            print(f"{one.name}: {error}", file=sys.stderr)
    return failed


def _try(found: Config, address: str) -> int:
    from tyst.core.account import email_fault
    from tyst.mail import wiring

    if email_fault(address):
        return _say("say to which address of yours: `tyst mail try you@example.org`", 2)
    _django()
    letter = Letter("trial", address, "Tyst: a trial letter", "This letter shows that mail leaves as it should.\n")
    for one in wiring.services(found):
        try:
            print(f"{one.name}: {'took the letter' if one.carry(letter) else 'gives this address no letters'}")
        except MailError as error:
            print(f"{one.name}: {error}", file=sys.stderr)
    return 0


def _django() -> None:
    """Django's mail classes want settings, of which they use the character set alone."""
    from django.conf import settings

    if not settings.configured:
        settings.configure(USE_TZ=True, LOGGING_CONFIG=None)


def _say(sentence: str, code: int) -> int:
    print(f"tyst mail: {sentence}", file=sys.stderr)
    return code
