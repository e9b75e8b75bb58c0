"""`./tyst fleet block` and `blocks`: nobody reaches a destination for a while, whoever they are; and what stands now.

It takes no reason and no name, because a block that carried one would be a log. Counterpart: `gate.blocks`.
"""

import argparse
import re
from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network, ip_network

from tyst.gate import operator
from tyst.gate.blocks import WIDEST
from tyst.gate.wiring import listen_address
from tyst.messages.blocks import Blocks, ListBlocks, SetBlock
from tyst.messages.network import Block

IPNetwork = IPv4Network | IPv6Network


def add_block_arguments(parser: argparse.ArgumentParser) -> None:
    """The words of `block`."""
    parser.add_argument("--to", required=True, type=_network, metavar="NET", help="an address or a network")
    parser.add_argument("--port", type=_port, default=("", 0), metavar="443/tcp", help="one port of it; default: all")
    parser.add_argument("--minutes", type=int, choices=range(1, 61), default=60, metavar="1-60", help="default 60")
    parser.add_argument("--over", action="store_true", help="end this block now")
    add_listen_argument(parser)


def add_listen_argument(parser: argparse.ArgumentParser) -> None:
    """Where the gate is."""
    parser.add_argument(
        "--listen", type=_address, default=("", 8443), metavar="ADDR:PORT", help="where the gate is (default :8443)"
    )


def block(args: argparse.Namespace) -> int:
    """Sets or ends one. OperatorError."""
    protocol, port = args.port
    if not port and args.to.prefixlen < WIDEST[args.to.version]:
        raise operator.OperatorError("so wide a network needs a --port: it is a good part of the internet")
    wanted = Block(str(args.to), protocol, port, args.minutes * 60)
    answer = operator.ask(args.state, args.listen, "/v1/block", SetBlock(wanted, args.over), Blocks)
    if answer.full:
        raise operator.OperatorError("there is no room for one more block: end one with --over first")
    print("Over; the nodes hear it within half a minute." if args.over else "In force on all nodes in half a minute.")
    return 0


def blocks(args: argparse.Namespace) -> int:
    """Lists what stands."""
    for line in listing(operator.ask(args.state, args.listen, "/v1/blocks", ListBlocks(), Blocks).blocks):
        print(line)
    return 0


def listing(standing: Sequence[Block]) -> list[str]:
    """One line a block, in the order of the networks."""
    if not standing:
        return ["Nothing is blocked."]
    return [_line(one) for one in sorted(standing, key=lambda one: (one.net, one.protocol, one.port))]


def _line(one: Block) -> str:
    port = f"{one.port}/{one.protocol}" if one.port else "every port"
    return f"{one.net:<24} {port:<12} {-(-one.seconds // 60)} min left"


def _network(text: str) -> IPNetwork:
    try:
        return ip_network(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            "a network looks like 192.0.2.0/24 or 2001:db8::/32, an address like 192.0.2.1"
        ) from None


def _port(text: str) -> tuple[str, int]:
    found = re.fullmatch(r"([0-9]{1,5})/(tcp|udp)", text)
    if found is None or not 0 < int(found[1]) < 65536:
        raise argparse.ArgumentTypeError("a port looks like 443/tcp or 53/udp")
    return found[2], int(found[1])


def _address(text: str) -> tuple[str, int]:
    try:
        return listen_address(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
