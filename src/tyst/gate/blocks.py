"""The operator's blocks: destinations that nobody reaches for a while. In RAM, few, each with an end.

A block says what may not be reached and until when, never who tried or why. A gate that restarts has none; whoever
still wants one sets it again. Counterparts: `gate.network` hands them to the nodes, `core.firewall.abuse` obeys.
"""

from ipaddress import ip_network
from typing import TYPE_CHECKING

from tyst.gate.refusals import No, Refused
from tyst.messages.blocks import Blocks, ListBlocks, SetBlock
from tyst.messages.network import Block

if TYPE_CHECKING:
    from tyst.gate.room import Gate

MOST = 64
WIDEST = {4: 8, 6: 16}
"""The shortest prefix of a block without a port: one slip of the hand must not cut everybody off."""

Where = tuple[str, str, int]


class BlockList:
    """What is blocked, and until which tick (seconds that never go backwards)."""

    def __init__(self) -> None:
        self._until: dict[Where, float] = {}

    def put(self, block: Block, now: float) -> bool:
        """From now on, or anew; False when there is no room for one more."""
        self.lapse(now)
        where = _where(block)
        if where not in self._until and len(self._until) >= MOST:
            return False
        self._until[where] = now + block.seconds
        return True

    def end(self, block: Block) -> None:
        """It is over; one that isn't there is ignored."""
        self._until.pop(_where(block), None)

    def lapse(self, now: float) -> None:
        """Forgets what has ended."""
        for where in [where for where, until in self._until.items() if until <= now]:
            del self._until[where]

    def standing(self, now: float) -> tuple[Block, ...]:
        """All that stand, each with the whole seconds that are left."""
        self.lapse(now)
        return tuple(Block(*where, seconds=max(1, int(until - now))) for where, until in self._until.items())

    def version(self, now: float) -> bytes:
        """What changes when a block comes, goes or begins anew, and does not as time passes."""
        self.lapse(now)
        return repr(sorted(self._until.items())).encode()


async def block(gate: "Gate", name: str, asked: SetBlock) -> Blocks:
    """Sets one, or ends it."""
    _check(asked.block)
    room = True
    if asked.over:
        gate.blocks.end(asked.block)
    else:
        room = gate.blocks.put(asked.block, gate.ticks())
    return Blocks(gate.blocks.standing(gate.ticks()), full=not room)


async def blocks(gate: "Gate", name: str, asked: ListBlocks) -> Blocks:
    """What stands now."""
    return Blocks(gate.blocks.standing(gate.ticks()))


def _check(one: Block) -> None:
    """What a node would not take, or what would cut off a good part of the internet, is refused here."""
    try:
        net = ip_network(one.net)
    except ValueError:
        raise Refused(No.FORM) from None
    if one.protocol not in ("", "tcp", "udp") or (one.port and not one.protocol) or not one.seconds:
        raise Refused(No.FORM)
    if not one.port and net.prefixlen < WIDEST[net.version]:
        raise Refused(No.FORM)


def _where(block: Block) -> Where:
    return str(ip_network(block.net)), block.protocol, block.port
