"""`./tyst transparency`: keys, canary and months of the operator; building and verifying for everybody, offline.

`build` and `verify` need the published files and public keys and nothing else: no state folder, no network, no clock
but for saying whether a canary is stale. Counterparts: `records.transparency`, docs/operate/transparency.md.
"""

import argparse
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from tyst.core.country import COUNTRIES
from tyst.core.court import Answer, Asked
from tyst.core.openness import canary, counters, traffic
from tyst.core.openness.report import Report, build
from tyst.core.signed import SignedError, kind_of, opened, public_bytes
from tyst.fleet import pdf_signature
from tyst.records import transparency
from tyst.records.errors import RecordsError
from tyst.records.transparency import CANARY_KEY, FOLDER, TransparencyError
from tyst.records.whole import write_whole

STATE = Path("/var/lib/tyst")
REPORT = "report.json"
ANSWER = "tyst answer 1"
"""`fleet.disclosure.KIND`: spelled here so that a stranger's check loads no records."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's words."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    _state(actions.add_parser("init", help="make keys, and counters of zero (`fleet init` does it too)"))
    live = actions.add_parser("canary", help="sign that it is still true, for some weeks")
    live.add_argument("--words", default="", help="something that nobody knew before today: a headline")
    live.add_argument("--omit", action="append", default=[], choices=[str(one) for one in canary.Says], help="unsaid")
    live.add_argument("--days", type=_days, default=canary.GOOD_FOR.days, help="until it is stale (default 35)")
    live.add_argument("--key", type=Path, metavar="FILE", help=f"the canary's key (default: {CANARY_KEY} in the state)")
    _state(live)
    count = actions.add_parser("count", help="count a request that was answered without `./tyst disclose`")
    count.add_argument("--asked", required=True, choices=[str(one) for one in Asked])
    count.add_argument("--answer", required=True, choices=[str(one) for one in Answer])
    count.add_argument("--by", required=True, choices=sorted(COUNTRIES), metavar="COUNTRY", help="two letters")
    _state(count)
    made = actions.add_parser("build", help=f"make {REPORT} from the signed files: the same bytes for everybody")
    made.add_argument("--files", type=Path, metavar="FOLDER", help="a stranger's copy of the published files")
    made.add_argument("--to", type=Path, metavar="FILE", help=f"where to (default: {REPORT} among the files)")
    _state(made)
    seen = actions.add_parser("verify", help="check one published file, or an answer (JSON or PDF), offline")
    seen.add_argument("file", type=Path, metavar="FILE")
    seen.add_argument("--keys", required=True, metavar="KEYS", help="keys.json as you keep it, or one public key")
    seen.add_argument("--after", type=Path, metavar="OLDER", help="counters that you kept: nothing may be missing now")


def _state(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--state", type=Path, default=STATE, help=f"state folder (default {STATE})")


def run(args: argparse.Namespace) -> int:
    """Does it; 1 with a sentence when it can't be done or isn't true."""
    try:
        return _ACTIONS[args.action](args)
    except (RecordsError, SignedError) as error:
        return _say(str(error))
    except OSError as error:
        return _say(f"{error.strerror or 'a file can not be read'}: are --state and the files' names right?")


def _init(args: argparse.Namespace) -> int:
    transparency.found(args.state, _today())
    print(f"Made. Keep {CANARY_KEY} where only a person gets at it, and tell people to keep keys.json.")
    return 0


def _canary(args: argparse.Namespace) -> int:
    says = tuple(one for one in canary.Says if str(one) not in args.omit)
    days = (_today(), _today() + timedelta(days=args.days))
    made = transparency.sing(args.state, args.words[: canary.WORDS], says, days, args.key or args.state / CANARY_KEY)
    print(f"Signed: {', '.join(made.says) or 'nothing but the day'}. Stale after {made.until}.")
    return 0


def _count(args: argparse.Namespace) -> int:
    after = transparency.count(args.state, Asked(args.asked), args.by, Answer(args.answer), _today())
    print(f"Counted: {after.number} requests, {after.given} of them got information.")
    return 0


def _build(args: argparse.Namespace) -> int:
    if args.files is None:
        for month in transparency.sign_months(args.state, _today()):
            print(f"Signed {month}.")
    folder = args.files or args.state / FOLDER
    report = build(transparency.files(folder), transparency.keys_of(folder))
    target = args.to or folder / REPORT
    write_whole(target, report.text())
    print("\n".join([*_lines(report, _today()), str(target)]))
    return 1 if report.broken or report.put_back else 0


def _lines(report: Report, today: date) -> list[str]:
    """The report for a terminal."""
    lines = [f"Not what the keys signed: {name}" for name in report.broken]
    if report.counters is None:
        lines.append("There are no counters: nothing is claimed.")
    else:
        lines.append(f"{report.counters.number} requests since {report.counters.since}, {report.counters.given} given.")
    if report.put_back:
        lines.append("The counters are OLDER than the canary: somebody put old ones back.")
    lines.append("The canary is STALE." if report.stale(today) else "The canary lives.")
    return [*lines, f"{len(report.months)} months."]


def _verify(args: argparse.Namespace) -> int:
    content = args.file.read_bytes()
    keys = _keys(args.keys)
    if content.startswith(b"%PDF"):
        pdf_signature.check(content, keys["counters"])
        print("Signed, and nothing was changed: a PDF.")
        return 0
    kind = kind_of(content)
    if kind not in _KINDS:
        raise SignedError("this file is of a kind that this version doesn't know")
    key, read = _KINDS[kind]
    found = read(opened(content, kind, keys[key]))
    print(f"Signed, and nothing was changed: {kind}.")
    if isinstance(found, canary.Canary) and found.stale(_today()):
        raise SignedError(f"the canary is STALE: it was good until {found.until}")
    if args.after is not None:
        _compare(args.after.read_bytes(), found, keys["counters"])
    return 0


def _compare(older: bytes, now: object, public: bytes) -> None:
    before = counters.read(opened(older, counters.KIND, public))
    if not isinstance(now, counters.Counters) or counters.fell(before, now):
        raise SignedError("requests that were counted before are missing: somebody put old counters back")
    print("Nothing that was counted before is missing.")


def _keys(given: str) -> dict[str, bytes]:
    """By what they sign: from a file of public keys, or one key for whatever the file is."""
    path = Path(given)
    if path.is_file():
        found = transparency.keys_of(path.parent) if path.name == transparency.KEYS else None
        if found is None:
            raise TransparencyError(f"--keys is a file called {transparency.KEYS}, or a public key itself")
        return {"counters": found.counters, "canary": found.canary}
    public = public_bytes(given)
    return {"counters": public, "canary": public}


_KINDS: dict[str, tuple[str, Callable[[dict[str, Any]], object]]] = {
    counters.KIND: ("counters", counters.read),
    canary.KIND: ("canary", canary.read),
    traffic.KIND: ("counters", traffic.read_month),
    ANSWER: ("counters", dict),
}
_ACTIONS = {"init": _init, "canary": _canary, "count": _count, "build": _build, "verify": _verify}


def _days(text: str) -> int:
    if not text.isdigit() or not 0 < int(text) <= canary.LONGEST.days:
        raise argparse.ArgumentTypeError(f"from 1 to {canary.LONGEST.days} days")
    return int(text)


def _today() -> date:
    return datetime.now(UTC).date()


def _say(sentence: str) -> int:
    print(f"tyst transparency: {sentence}.", file=sys.stderr)
    return 1
