"""May this device have a tunnel: key records opened with the device's help, credentials, passwords, confirmations.

The gate hears a tag and an opener, or a login; never an address, and of the node only its name. A key's lease is
provisional until the node saw its first authenticated packet (`confirm`); a login has proved itself and takes its slot
at once. Counterpart: `gate.renewals` keeps what was granted here alive.
"""

from msgspec import structs

from tyst.core.account import password_bytes
from tyst.core.entitlement import Facts, Standing, allowed, standing
from tyst.core.owner import OWNER
from tyst.core.seal import Kind, SealError, open_sealed_to
from tyst.core.tokens import (
    NO_PRESHARED,
    NO_SLOT,
    SLOT_BYTES,
    Credential,
    KeyRecord,
    Lease,
    credential_blob,
    open_token,
)
from tyst.gate.room import NONCE, Gate
from tyst.messages.admission import Admission, AdmitKey, AdmitLogin, Confirm, Features, Login, Verdict, Why
from tyst.messages.codec import MessageError, decode

NO_TAG = bytes(16)
UNKNOWN = Admission(Verdict.UNKNOWN)
BUSY = Admission(Verdict.BUSY, Why.BUSY)
EXPIRED = Admission(Verdict.GARDEN, Why.EXPIRED)
FULL = Admission(Verdict.GARDEN, Why.SLOTS)
NO_MULTIHOP = Admission(Verdict.GARDEN, Why.MULTIHOP)
MAINTENANCE = Admission(Verdict.GARDEN, Why.DRAINING)
WRONG = Admission(Verdict.REFUSED, Why.LOGIN)


async def admit_key(gate: Gate, node: str, asked: AdmitKey) -> Admission:
    """A key that proved itself in a handshake: a provisional lease, the garden, or nothing at all."""
    ticks = gate.ticks()
    blob = gate.records.key_record(asked.tag)
    record = None if blob is None else _opened(gate, asked, blob, node)
    if record is None:
        return UNKNOWN if gate.quotas.unknown.take(node, ticks) else BUSY
    if isinstance(record, Admission):
        return record
    return _keyed(record, _admitted(gate, node, asked, record))


def _keyed(record: KeyRecord, answer: Admission) -> Admission:
    """The answer with the device's preshared key: even the garden's page needs it, for there is no tunnel without."""
    if record.preshared == NO_PRESHARED or answer.verdict not in (Verdict.OPEN, Verdict.GARDEN):
        return answer
    return structs.replace(answer, features=structs.replace(answer.features, preshared=record.preshared))


def _admitted(gate: Gate, node: str, asked: AdmitKey, record: KeyRecord) -> Admission:
    """What the account behind a record may now."""
    ticks = gate.ticks()
    facts = gate.records.account(record.handle)
    if facts is None:
        return UNKNOWN
    unpaid = _unpaid(facts, gate.today(), entered=asked.entered)
    if unpaid is not None:
        return unpaid
    if draining(gate, node):
        return MAINTENANCE
    if gate.slots.full(gate.account_key(record.handle), ticks):
        return FULL
    lease = gate.seal(_lease(record.handle, node, asked.tag, NO_SLOT, facts))
    gate.provisional.put(asked.tag, lease[NONCE], ticks)
    return Admission(Verdict.OPEN, lease=lease, features=_features(gate, node, record.handle, facts))


def draining(gate: Gate, node: str) -> bool:
    """Whether the operator takes this node out of service: nobody new gets in there."""
    row = gate.records.node(node)
    return row is not None and row.draining


def _unpaid(facts: Facts, today: int, *, entered: bool) -> Admission | None:
    """What is not paid today: the subscription, or the way through another node."""
    if standing(facts.subscription, today) is not Standing.LIVE:
        return EXPIRED
    return NO_MULTIHOP if entered and not allowed(facts, today).multihop else None


def _opened(gate: Gate, asked: AdmitKey, blob: bytes, node: str) -> KeyRecord | Admission | None:
    """The record; BUSY when the node's quota of openings is used up; None when it does not open or has ended."""
    if not gate.quotas.known.take(node, gate.ticks()):
        return BUSY
    try:
        record = KeyRecord.opened(
            blob, tag=asked.tag, opener=asked.opener, gate_privates=gate.keys.hpke, now=gate.now()
        )
    except SealError:
        return None
    return record if record.last_month >= gate.month() else None


async def confirm(gate: Gate, node: str, asked: Confirm) -> Admission:
    """The first authenticated packet came: the provisional lease becomes one with a slot. BUSY: admit the key again."""
    try:
        lease = open_token(gate.keys.seal, Lease, asked.lease, now=gate.now())
    except SealError:
        return BUSY
    if lease.node != node or lease.slot != NO_SLOT:
        return UNKNOWN
    nonce, ticks = asked.lease[NONCE], gate.ticks()
    slot = gate.provisional.slot_of(nonce, ticks)
    if slot is not None and gate.slots.holds(gate.account_key(lease.handle), slot, ticks):
        return _with_slot(gate, node, lease.handle, lease.tag, slot, gone=UNKNOWN)
    if not gate.provisional.take(lease.tag, nonce, ticks):
        return BUSY
    slot = gate.draw(SLOT_BYTES)
    gate.provisional.remember(nonce, slot, ticks)
    return _with_slot(gate, node, lease.handle, lease.tag, slot, gone=UNKNOWN)


async def admit_login(gate: Gate, node: str, asked: AdmitLogin) -> Admission:
    """A user name and password typed into OpenVPN, sealed by the node to the gate."""
    if not gate.quotas.logins.take(node, gate.ticks()):
        return BUSY
    try:
        sealed = open_sealed_to(gate.keys.hpke, Kind.LOGIN, asked.sealed, context=node.encode(), now=gate.now())
        login = decode(sealed, Login)
        blob = credential_blob(login.username, login.password)
    except (SealError, MessageError):
        return WRONG
    handle = await _by_password(gate, node, login) if blob is None else _by_credential(gate, blob)
    if isinstance(handle, Admission):
        return handle
    slot = gate.draw(SLOT_BYTES)
    return _with_slot(gate, node, handle, NO_TAG, slot, gone=WRONG, entered=asked.entered)


def _by_credential(gate: Gate, blob: bytes) -> bytes | Admission:
    try:
        return open_token(gate.keys.seal, Credential, blob, now=gate.now()).handle
    except SealError:
        return WRONG


async def _by_password(gate: Gate, node: str, login: Login) -> bytes | Admission:
    found = gate.records.login(login.username)
    stored = None if found is None else found[1]
    right = await gate.passwords.verify(node, stored, password_bytes(login.password))
    if right is None:
        return BUSY
    return found[0] if right and found is not None else WRONG


def _with_slot(
    gate: Gate, node: str, handle: bytes, tag: bytes, slot: bytes, *, gone: Admission, entered: bool = False
) -> Admission:
    """Takes the slot, unless it is taken by this very confirmation, for an account that is still there and paid."""
    facts = gate.records.account(handle)
    if facts is None:
        return gone
    unpaid = _unpaid(facts, gate.today(), entered=entered)
    if unpaid is not None:
        return unpaid
    if draining(gate, node):
        return MAINTENANCE
    key, ticks = gate.account_key(handle), gate.ticks()
    if not gate.slots.holds(key, slot, ticks) and gate.slots.take(key, slot, ticks) is None:
        return FULL
    if not facts.connected:
        gate.connected.add(handle)
    lease = gate.seal(_lease(handle, node, tag, slot, facts))
    return Admission(Verdict.OPEN, lease=lease, features=_features(gate, node, handle, facts))


def _lease(handle: bytes, node: str, tag: bytes, slot: bytes, facts: Facts) -> Lease:
    return Lease(handle, node, tag, slot, facts.subscription or 0)


def _features(gate: Gate, node: str, handle: bytes, facts: Facts) -> Features:
    may = allowed(facts, gate.today())
    return Features(may.ipv6, may.streaming, may.compression, may.multihop, own_address(gate, node, handle, facts.ipv4))


def own_address(gate: Gate, node: str, handle: bytes, paid: int | None) -> str:
    """The public IPv4 address that an account has at this node, while it pays for it (to the day `paid`)."""
    if paid is None or paid < gate.today():
        return ""
    return gate.records.public_address(gate.keys.secrets[OWNER], handle, node)
