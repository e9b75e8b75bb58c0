"""`./tyst newsletter`: sends one newsletter to every account that wants it, in its language.

The operator gives a folder with four files, `en.txt`, `sv.txt`, `de.txt` and `no.txt`: the first line is the subject,
the rest the text. Who got it is written nowhere: a run that is broken off can't be taken up again, so `show` first.
"""

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from tyst.core.account import LANGUAGES
from tyst.core.events import Room
from tyst.core.keyring import KeyringError, from_text
from tyst.mail.config import ConfigError
from tyst.quiet import fence
from tyst.records.errors import RecordsError

if TYPE_CHECKING:
    from tyst.core.seal import SealKeys
    from tyst.mail.letters import Writer
    from tyst.mail.outbox import Outbox

SECONDS = 6 * 3600.0
"""How long a run waits at most for services that don't take letters."""
AHEAD = 500
"""Letters that wait in memory at most."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What may be said to `tyst newsletter`."""
    parser.add_argument("action", choices=("show", "send"), help="show it as it will read, or send it")
    parser.add_argument("folder", type=Path, help="folder with en.txt, sv.txt, de.txt, no.txt: subject, then text")
    parser.add_argument("--state", type=Path, default=Path("/var/lib/tyst"), help="folder of keys and database")


@fence.muted(Room.JOBS)
def run(args: argparse.Namespace) -> int:
    """0 when it is out; 1 when some letters were not taken; 2 with a sentence when something is missing."""
    try:
        texts = {language: _text(args.folder / f"{language}.txt") for language in LANGUAGES}
        return _show(texts) if args.action == "show" else _send(args.state, texts)
    except (KeyringError, ConfigError, RecordsError, ValueError) as error:
        return _say(str(error), 2)
    except OSError as error:
        return _say(f"{error.strerror or 'this can not be done'}: are all four files and STATE there?", 2)


def _text(path: Path) -> tuple[str, str]:
    subject, _, text = path.read_text("utf-8").strip().partition("\n")
    if not subject.strip() or not text.strip():
        raise ValueError(f"{path.name} needs a subject in its first line, and a text below")
    return subject.strip(), text.strip()


def _show(texts: Mapping[str, tuple[str, str]]) -> int:
    for language, (subject, text) in texts.items():
        print(f"[{language}] {subject}\n\n{text}\n")
    return 0


def _send(state: Path, texts: Mapping[str, tuple[str, str]]) -> int:
    from tyst.jobs.wiring import clock, still_read
    from tyst.mail import wiring
    from tyst.records.migrate import configure
    from tyst.records.where import chosen

    configure(chosen(state))
    from tyst.mail.letters import Writer
    from tyst.records.places import fleet

    outbox, facts = wiring.outbox(state, still_read), fleet()
    if not outbox.open or facts is None:
        return _say("mail isn't set up here, or the fleet isn't: `tyst mail setup`, `tyst fleet init`", 2)
    keys = from_text((state / "site.keys").read_bytes(), room="site").seal
    count = posted(texts, Writer(facts.site.rstrip("/")), outbox, keys, int(clock()().timestamp()))
    outbox.drain(SECONDS)
    outbox.close(0.0)
    taken = outbox.counts().get(("newsletter", "taken"), 0)
    print(f"{taken} of {count} letters were taken.")
    return 0 if taken == count else 1


def posted(texts: Mapping[str, tuple[str, str]], writer: "Writer", outbox: "Outbox", keys: "SealKeys", now: int) -> int:
    """Queues a letter for each subscriber, a few at a time; how many."""
    import os

    from tyst.core.links import Unsubscribe
    from tyst.core.tokens import seal_token, to_text
    from tyst.mail.letters import Reader
    from tyst.records import readers

    count = 0
    for one in readers.subscribers():
        if count % AHEAD == AHEAD - 1:
            outbox.drain(SECONDS)
        token = to_text(seal_token(keys, Unsubscribe(one.username, one.since), nonce=os.urandom(12), now=now))
        subject, text = texts[one.language]
        outbox.post(writer.newsletter(Reader(one.email, one.username, one.language), subject, text, token))
        count += 1
    return count


def _say(sentence: str, code: int) -> int:
    print(f"tyst newsletter: {sentence}", file=sys.stderr)
    return code
