"""`./tyst fleet`: makes a provider, adds, lists and revokes its nodes, and makes their one-time tokens."""

import argparse
import sys
import time
from dataclasses import replace
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from pathlib import Path
from urllib.parse import urlsplit

from tyst.core.dns import HOST_NAME
from tyst.core.keyring import KeyringError
from tyst.fleet import block_command, database_command, founding, lists, lists_command, nodes
from tyst.gate.operator import OperatorError
from tyst.records.statements import RecordsError

STATE = Path("/var/lib/tyst")
_MENDABLE = (
    *(founding.FoundingError, nodes.FleetError, lists.PublishError),
    *(RecordsError, KeyringError, OperatorError),
)
POOLS = {
    "exit": "addresses by which tunnels leave; repeatable",
    "public": "addresses that customers can have for themselves; repeatable",
    "streaming": "addresses for streaming services; repeatable",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's words."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    init = _action(actions, "init", "make a provider: keys, certificates and records in the state folder")
    init.add_argument("--site", required=True, type=_site, help="the site's public address, such as https://tyst.test")
    init.add_argument("--gate-name", required=True, help="the gate's DNS name, such as gate.tyst.test")
    init.add_argument("--name", action="append", default=[], help="another DNS name of the gate; repeatable")
    init.add_argument("--database", default="", help="postgresql://…: a PostgreSQL database (default: a SQLite file)")
    add = _action(actions, "add", "add a node, and print its one-time token")
    add.add_argument("node", help="the node's name, such as se-sto")
    add.add_argument("--city", required=True)
    add.add_argument("--country", required=True, help="two letters")
    add.add_argument("--ipv4", required=True, type=IPv4Address, help="the node's public IPv4 address")
    add.add_argument("--ipv6", required=True, type=IPv6Address, help="the node's public IPv6 address")
    add.add_argument("--exit6", type=IPv6Network, help="an IPv6 prefix that is routed to the node")
    add.add_argument("--processes", type=int, choices=range(1, 15), default=1, help="OpenVPN processes, one a core")
    add.add_argument("--rented", action="store_true", help="the machine belongs to somebody else")
    add.add_argument("--gate", help="the gate's address in the token (default: from its certificate, port 8443)")
    token = _action(actions, "token", "print a fresh one-time token for a node (10 minutes)")
    token.add_argument("node")
    token.add_argument("--gate", help="the gate's address in the token")
    _action(actions, "list", "show the nodes")
    pool = _action(actions, "pool", "give a node its further public addresses, in place of those it had")
    pool.add_argument("node")
    for use, meaning in POOLS.items():
        pool.add_argument(f"--{use}", action="append", default=[], type=_span, metavar="FROM[-TO]", help=meaning)
    drain = _action(actions, "drain", "take a node out of service for maintenance")
    drain.add_argument("node")
    drain.add_argument("--over", action="store_true", help="the maintenance is over")
    block_command.add_block_arguments(_action(actions, "block", "let nobody reach a destination for a while"))
    block_command.add_listen_argument(_action(actions, "blocks", "show what nobody reaches now"))
    lists_command.add_arguments(_action(actions, "lists", "sign lists of names for the nodes' resolvers, or show them"))
    database_command.add_arguments(_action(actions, "database", "look after the records' PostgreSQL, or its settings"))
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
    except _MENDABLE as error:
        print(f"tyst fleet: {error}.", file=sys.stderr)
        return 1
    except FileNotFoundError:
        print("tyst fleet: a file is missing in the state folder: run `./tyst fleet init` first.", file=sys.stderr)
        return 1


def _init(args: argparse.Namespace) -> int:
    names = [args.gate_name, *args.name]
    founding.found(founding.Plan(args.state, args.site, names, args.database), now=time.time())
    print("The provider is made. Next: `./tyst gate`, `./tyst serve`, and `./tyst fleet add` for each node.")
    print("Move recovery.key from the state folder to a safe place: it opens backups (docs/operate/backup.md).")
    return 0


def _add(args: argparse.Namespace) -> int:
    wanted = nodes.Wanted(args.node, args.city, args.country.lower(), args.ipv4, args.ipv6, not args.rented)
    nodes.add(args.state, replace(wanted, exit6=args.exit6, processes=args.processes))
    return _token(args)


def _token(args: argparse.Namespace) -> int:
    print(nodes.token(args.state, args.node, args.gate))
    return 0


def _list(args: argparse.Namespace) -> int:
    for line in nodes.listing(args.state):
        print(line)
    return 0


def _pool(args: argparse.Namespace) -> int:
    given = [(address, use) for use in POOLS for span in getattr(args, use) for address in span]
    nodes.set_addresses(args.state, args.node, given)
    print(f"{len(given)} further addresses; the node has them within half a minute.")
    return 0


def _drain(args: argparse.Namespace) -> int:
    nodes.drain(args.state, args.node, draining=not args.over)
    print(
        "Back in service." if args.over else "Draining: nobody new gets in, and those inside are told within a minute."
    )
    return 0


def _revoke(args: argparse.Namespace) -> int:
    nodes.revoke(args.state, args.node)
    print("Revoked: the gate refuses this node from now on.")
    return 0


_ACTIONS = {
    "init": _init,
    "add": _add,
    "token": _token,
    "list": _list,
    "pool": _pool,
    "drain": _drain,
    "block": block_command.block,
    "blocks": block_command.blocks,
    "lists": lists_command.run,
    "database": database_command.run,
    "revoke": _revoke,
}


def _span(text: str) -> list[IPv4Address | IPv6Address]:
    """One address, or all from the first to the last of a hyphenated pair (at most 1024)."""
    try:
        first, _, last = text.partition("-")
        low, high = ip_address(first), ip_address(last or first)
    except ValueError:
        raise argparse.ArgumentTypeError("one address, or two with a hyphen between them") from None
    if low.version != high.version or not 0 <= int(high) - int(low) < 1024:
        raise argparse.ArgumentTypeError("two addresses of one family in order, at most 1024 apart")
    return [
        ip_address(number) if low.version == 6 else IPv4Address(number) for number in range(int(low), int(high) + 1)
    ]


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
