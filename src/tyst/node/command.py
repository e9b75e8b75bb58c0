"""`tyst node`: runs a VPN node in this network namespace, in front, until it is told to stop.

Prints `ready` once and nothing else; what goes wrong before that is one sentence. It reads the enrolment token from a
file, never from the command line, where every process of the machine could read it. This process becomes the agent's
supervisor (`supervisor.py`); the agent is its child, and should it be killed, another one goes on (`takeover.py`).
"""

import argparse
import asyncio
import contextlib
import ctypes
import os
import resource
import secrets
import signal
import sys
from dataclasses import replace
from functools import partial
from ipaddress import ip_address
from pathlib import Path

from tyst.core.events import Event, Room
from tyst.core.firewall import Ruleset, interface_name
from tyst.node.drivers.firewall import FirewallError, Nftables
from tyst.node.drivers.network import Network, close_forwarding
from tyst.node.drivers.process import ProgramError
from tyst.node.drivers.wireguard import WireGuardError
from tyst.node.gate_link import GateAbsent, GateRefused
from tyst.node.identity import IdentityError
from tyst.node.settings import Settings, strict
from tyst.node.supervisor import Estate, Supervisor
from tyst.quiet import process
from tyst.quiet.fence import Voice

_PR_SET_DUMPABLE = 4
_KNOWN = (*process.QuietError, IdentityError, GateAbsent, GateRefused, FirewallError, ProgramError, WireGuardError)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `tyst node`."""
    parser.add_argument("--state", type=Path, default=Path("/run/tyst"), metavar="DIR", help="a folder in RAM (tmpfs)")
    parser.add_argument(
        "--token-file", type=Path, metavar="FILE", help="the enrolment token; needed at the first start"
    )
    parser.add_argument(
        "--interface", default="eth0", type=interface_name, metavar="NAME", help="the public network interface"
    )
    parser.add_argument(
        "--dns-root", action="append", default=[], type=ip_address, metavar="ADDR",
        help="a root name server to use instead of the Internet's, without DNSSEC; may be repeated",
    )  # fmt: skip
    parser.add_argument("--strict", action="store_true", help="inner connections end with their tunnel, at once")
    parser.add_argument("--no-openvpn", action="store_true", help="serve WireGuard alone")
    process.add_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Runs the node; 0 after SIGTERM or Ctrl-C, 1 when it could not start or had to stop."""
    from tyst.node import wiring

    _keep_memory_in()
    _go_first()
    network = Network()
    network.remember()
    closed = partial(_close, Ruleset(args.interface, wiring.WIREGUARD_PORT))
    return Supervisor(partial(_agent, args, network), closed).run()


def _close(ruleset: Ruleset) -> None:
    """What is left of a node whose agent died passes nothing: no forwarding, and rules with nobody in them."""
    close_forwarding()
    nftables = Nftables()
    nftables.run(ruleset.text({}, seed=secrets.randbits(32)))
    nftables.close()


def _agent(args: argparse.Namespace, network: Network, estate: Estate) -> int:
    """One life of the agent."""
    try:
        with process.running(Room.NODE, args) as voice:
            return asyncio.run(_run(args, network, estate, voice))
    except _KNOWN as error:
        print(f"tyst node: {error}", file=sys.stderr)
    except OSError as error:
        print(f"tyst node: the system refused ({error.strerror}): is this root, with network rights?", file=sys.stderr)
    return 1


async def _run(args: argparse.Namespace, network: Network, estate: Estate, voice: Voice) -> int:
    from tyst.node.wiring import Options, serve

    settings = strict(Settings()) if args.strict else Settings()
    token = args.token_file.read_text() if args.token_file is not None and not estate.successor else ""
    options = Options(args.state, args.interface, token, tuple(args.dns_root), not args.no_openvpn, settings)
    options = replace(options, network=network, estate=estate)
    ready = asyncio.Event()
    telling = asyncio.create_task(_tell(ready, voice) if not estate.successor else asyncio.sleep(0))
    try:
        ended_well = await serve(options, ready, (signal.SIGTERM, signal.SIGINT))
    finally:
        telling.cancel()
    if not ended_well:
        voice.say(Event.PART_FAILED)
    return 0 if ended_well else 1


async def _tell(ready: asyncio.Event, voice: Voice) -> None:
    await ready.wait()
    voice.say(Event.READY)


def _keep_memory_in() -> None:
    """No core dump of this process or its daemons, and no look into it for processes that aren't root (prctl(2))."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def _go_first() -> None:
    """The agent and its daemons before other work of this machine: they do little, and people wait for it."""
    with contextlib.suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, 0, -10)
