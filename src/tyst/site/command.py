"""`./tyst serve`: runs the site on the addresses it is given."""

import argparse
import ctypes
import resource
import signal
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from tyst.core.events import Event, Room
from tyst.core.keyring import KeyringError
from tyst.core.metric import LETTERS
from tyst.mail.outbox import by_end
from tyst.quiet import process
from tyst.records import doors
from tyst.records.errors import RecordsError

_PR_SET_DUMPABLE = 4


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What may be said to `tyst serve`."""
    parser.add_argument("--state", type=Path, default=Path("/var/lib/tyst"), help="folder of keys and database")
    parser.add_argument("--https", metavar="ADDR:PORT", help="where to speak HTTPS, with STATE/tls/site.crt and .key")
    parser.add_argument("--http", metavar="ADDR:PORT", help="where to speak plain HTTP: this machine's loopback only")
    parser.add_argument("--gate", default="https://gate.tyst.test:8443", metavar="URL", help="where the gate is")
    parser.add_argument("--geoip", type=Path, action="append", default=[], metavar="FILE", help="table of countries")
    parser.add_argument("--host", action="append", default=[], metavar="NAME", help="another name the site answers to")
    process.add_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Serves until interrupted; 2 with a sentence when something is missing."""
    from tyst.site import wiring

    if not (args.https or args.http):
        return _say("say where to listen: --https ADDR:PORT, --http ADDR:PORT or both")
    _keep_memory_in()
    try:
        doors.hold(args.state)
        with process.running(Room.SITE, args) as voice:
            door = wiring.application(wiring.Options(args.state, args.gate, args.geoip, args.host))
            process.ask_labelled(LETTERS, partial(by_end, door.services.outbox))
            _listen(args, door, partial(voice.say, Event.READY))
    except (*process.QuietError, KeyringError, RecordsError) as error:
        return _say(str(error))
    except OSError as error:
        return _say(f"{error.strerror or 'it can not start'}; is STATE from `tyst fleet init`, is the address free?")
    except (ValueError, RuntimeError) as error:
        return _say(str(error))
    return 0


def _keep_memory_in() -> None:
    """No core dump of this process, and no look into it for processes that aren't root (prctl(2))."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def _listen(args: argparse.Namespace, door: Any, ready: Callable[[], None]) -> None:
    from tyst.site import server
    from tyst.site.sweeper import Sweeper

    server.count_faults()
    door = Sweeper(door, door.services.limits.forget)
    door.start()
    servers = []
    if args.https:
        servers.append(server.listener(_address(args.https), door, args.state / "tls"))
    if args.http:
        servers.append(server.listener(_address(args.http), door))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    server.serve(servers, ready)


def _address(text: str) -> tuple[str, int]:
    """(host, port) of ADDR:PORT; IPv6 in brackets."""
    host, _, port = text.rpartition(":")
    if not port.isdigit():
        raise ValueError("an address to listen on looks like 127.0.0.1:8000 or [::]:443")
    return host.strip("[]"), int(port)


def _say(sentence: str) -> int:
    print(f"tyst serve: {sentence}", file=sys.stderr)
    return 2
