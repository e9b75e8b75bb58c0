"""`./tyst fleet`: makes a provider, adds, lists and revokes its nodes, and makes their one-time tokens."""

import argparse
import sys
import time
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from urllib.parse import urlsplit

from tyst.core.dns import HOST_NAME
from tyst.core.keyring import KeyringError
from tyst.fleet import founding, nodes
from tyst.records.statements import RecordsError

STATE = Path("/var/lib/tyst")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's words."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    init = _action(actions, "init", "make a provider: keys, certificates and records in the state folder")
    init.add_argument("--site", required=True, type=_site, help="the site's public address, such as https://tyst.test")
    init.add_argument("--gate-name", required=True, help="the gate's DNS name, such as gate.tyst.test")
    init.add_argument("--name", action="append", default=[], help="another DNS name of the gate; repeatable")
    add = _action(actions, "add", "add a node, and print its one-time token")
    add.add_argument("node", help="the node's name, such as se-sto")
    add.add_argument("--city", required=True)
    add.add_argument("--country", required=True, help="two letters")
    add.add_argument("--ipv4", required=True, type=IPv4Address, help="the node's public IPv4 address")
    add.add_argument("--ipv6", required=True, type=IPv6Address, help="the node's public IPv6 address")
    add.add_argument("--rented", action="store_true", help="the machine belongs to somebody else")
    add.add_argument("--gate", help="the gate's address in the token (default: from its certificate, port 8443)")
    token = _action(actions, "token", "print a fresh one-time token for a node (10 minutes)")
    token.add_argument("node")
    token.add_argument("--gate", help="the gate's address in the token")
    _action(actions, "list", "show the nodes")
    revoke = _action(actions, "revoke", "refuse a node from now on, and forget its keys")
    revoke.add_argument("node")


def _action(
    actions: "argparse._SubParsersAction[argparse.ArgumentParser]", name: str, meaning: str
) -> argparse.ArgumentParser:
    parser = actions.add_parser(name, help=meaning, description=meaning.capitalize() + ".")
    parser.add_argument("--state", type=Path, default=STATE, help=f"state folder (default {STATE})")
    return parser


def run(args: argparse.Namespace) -> int:
    """Does it; 1 with a sentence when it can't be done."""
    try:
        return _ACTIONS[args.action](args)
    except (founding.FoundingError, nodes.FleetError, RecordsError, KeyringError) as error:
        print(f"tyst fleet: {error}.", file=sys.stderr)
        return 1


def _init(args: argparse.Namespace) -> int:
    founding.found(founding.Plan(args.state, args.site, [args.gate_name, *args.name]), now=time.time())
    print("The provider is made. Next: `./tyst gate`, `./tyst serve`, and `./tyst fleet add` for each node.")
    return 0


def _add(args: argparse.Namespace) -> int:
    wanted = nodes.Wanted(args.node, args.city, args.country.lower(), args.ipv4, args.ipv6, not args.rented)
    nodes.add(args.state, wanted)
    return _token(args)


def _token(args: argparse.Namespace) -> int:
    print(nodes.token(args.state, args.node, args.gate))
    return 0


def _list(args: argparse.Namespace) -> int:
    for line in nodes.listing(args.state):
        print(line)
    return 0


def _revoke(args: argparse.Namespace) -> int:
    nodes.revoke(args.state, args.node)
    print("Revoked: the gate refuses this node from now on.")
    return 0


_ACTIONS = {"init": _init, "add": _add, "token": _token, "list": _list, "revoke": _revoke}


def _site(text: str) -> str:
    """It goes into configurations and pages, so it is a name and perhaps a port, and nothing else."""
    wrong = argparse.ArgumentTypeError("the site's address looks like https://tyst.test")
    try:
        parts = urlsplit(text)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        raise wrong from None
    if not HOST_NAME.fullmatch(parts.hostname or "") or text.rstrip("/") != f"https://{parts.hostname}{port}":
        raise wrong
    return text.rstrip("/")
