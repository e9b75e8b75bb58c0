"""What a node hears of its fleet: the other nodes, its own further addresses, the operator's orders. No customer.

Built from the records when a node asks, and shortened to 'nothing new' by a hash of itself. The operator's blocks are
in RAM and end by themselves; a gate that restarts has forgotten them, and they are set again by whoever still wants
them.
"""

import hashlib

from msgspec import structs

from tyst.gate.refusals import No, Refused
from tyst.gate.room import Gate
from tyst.messages.codec import encode
from tyst.messages.network import Exit, Network, NetworkOf, Pools
from tyst.records.statements import NodeRow

_VERSION_BYTES = 16


async def network(gate: Gate, name: str, asked: NetworkOf) -> Network:
    """The fleet as this node must know it."""
    rows = {row.name: row for row in gate.records.nodes()}
    own = rows.pop(name, None)
    if own is None:
        raise Refused(No.REVOKED)
    exits = tuple(_exit(row) for row in rows.values() if not row.revoked and row.wireguard_public is not None)
    answer = Network(b"", exits=exits, pools=_pools(gate, own), draining=own.draining, lists=gate.lists.version)
    blocks, ended_or_new = gate.blocks.standing(gate.ticks()), gate.blocks.version(gate.ticks())
    version = hashlib.blake2s(encode(answer) + ended_or_new, digest_size=_VERSION_BYTES).digest()
    if version == asked.version:
        return Network(version, changed=False)
    return structs.replace(answer, version=version, blocks=blocks)


def _exit(row: NodeRow) -> Exit:
    return Exit(row.number, row.name, row.ipv4, row.ipv6, row.wireguard_port, row.openvpn_udp)


def _pools(gate: Gate, row: NodeRow) -> Pools:
    """Streaming addresses of either family are one list in the records."""
    held: dict[str, list[str]] = {"exit": [], "public": [], "streaming": []}
    for address, _, use in gate.records.node_addresses(row.name):
        held[use].append(address)
    streaming = held["streaming"]
    return Pools(
        tuple(held["exit"]),
        row.exit6,
        tuple(held["public"]),
        tuple(one for one in streaming if ":" not in one),
        tuple(one for one in streaming if ":" in one),
    )
