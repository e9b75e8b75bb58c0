"""What a customer may ask through the site, with her own sealed session: how many devices, and 'disconnect all'.

Nobody can ask about anybody else, and nobody often: the count at one moment is what is open now, asked each second it
would be a log of use.
"""

from tyst.core.seal import SealError
from tyst.core.tokens import Session, open_token
from tyst.gate.quotas import Buckets
from tyst.gate.refusals import No, Refused
from tyst.gate.room import Gate
from tyst.messages.devices import Devices, DevicesOf, DropDevices, Dropped


async def devices(gate: Gate, name: str, asked: DevicesOf) -> Devices:
    """How many devices the customer has connected now."""
    _, key = _customer(gate, asked.session, gate.quotas.devices)
    return Devices(gate.slots.count(key, gate.ticks()))


async def drop(gate: Gate, name: str, asked: DropDevices) -> Dropped:
    """Frees all the customer's slots; their nodes hear 'ended' at the next renewal. Who leaves has no flags either."""
    handle, key = _customer(gate, asked.session, gate.quotas.drops)
    if asked.leaving:
        gate.connected.discard(handle)
    return Dropped(gate.slots.drop(key, gate.ticks()))


def _customer(gate: Gate, blob: bytes, bucket: Buckets) -> tuple[bytes, bytes]:
    """Her handle, and her name in the slot table."""
    try:
        handle = open_token(gate.keys.seal, Session, blob, now=gate.now()).handle
    except SealError:
        raise Refused(No.SESSION) from None
    key = gate.account_key(handle)
    if not bucket.take(key, gate.ticks()):
        raise Refused(No.SLOWLY)
    if gate.records.account(handle) is None:
        raise Refused(No.SESSION)
    return handle, key
