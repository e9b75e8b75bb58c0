"""`tyst up`: a whole provider on an internet of its own, for a person to try: site at http://localhost:8000.

In front it stays until Ctrl-C; with `--background` it returns when all is ready, and `tyst down` ends it.
"""

import argparse
import os
import signal
import subprocess
import sys
import threading
import time
from types import FrameType

from tyst.lab import record
from tyst.lab.bringup import TYST, Provider
from tyst.lab.lab import Lab
from tyst.lab.relay import Relay

READY = "ready: "


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `tyst up` takes."""
    parser.add_argument("--background", action="store_true", help="return when all is ready; `tyst down` ends it")
    parser.add_argument("--port", type=int, default=8000, help="port of the site on this machine's loopback (8000)")


def run(args: argparse.Namespace) -> int:
    """Brings the provider up; 0 when it came up (and, in front, was ended on purpose)."""
    if os.geteuid() != 0:
        print("tyst up: root is needed: it makes network namespaces. Try `sudo make up`.", file=sys.stderr)
        return 1
    if record.locked(record.CURRENT):
        print("tyst up: a provider is up already: `./tyst down` ends it.", file=sys.stderr)
        return 1
    return _in_background(args) if args.background else _in_front(args)


def _in_background(args: argparse.Namespace) -> int:
    words = [TYST, "up", "--port", str(args.port)]
    child = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True)
    assert child.stdout is not None
    for line in child.stdout:
        print(line, end="", flush=True)
        if line.startswith("  ./tyst down"):
            return 0
    return child.wait() or 1


def _in_front(args: argparse.Namespace) -> int:
    ended = threading.Event()

    def end(_signal: int, _frame: FrameType | None) -> None:
        ended.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    began = time.monotonic()
    _say("building an internet in network namespaces …")
    with Lab.build(name=record.CURRENT) as lab:
        Provider.start(lab, tell=lambda what: _say(f"{what} …")).start_jobs()
        with Relay(lab["control"], port=args.port):
            _say(f"{READY}{time.monotonic() - began:.0f} s")
            _explain(args.port)
            signal.signal(signal.SIGPIPE, signal.SIG_IGN)
            while not ended.wait(0.5) and lab.alive:
                pass
    return 0


def _explain(port: int) -> None:
    _say("")
    _say(f"The site:            http://localhost:{port}")
    _say("A voucher:           ./tyst voucher issue --days 30")
    _say("Alice's machine:     ./tyst lab enter alice     (curl http://echo.test, wg-quick, openvpn)")
    _say("A node's tunnels:    ./tyst lab run se-sto -- wg show")
    _say("The whole journey:   ./tyst lab journey")
    _say("The proof:           ./tyst proof")
    _say("./tyst down          takes everything away")


def _say(text: str) -> None:
    print(f"  {text}" if text else "", flush=True)
