"""The door for nodes: one path per message, who may use it, how long a body may be, and nothing about the request kept.

An ASGI application of one table. Whatever goes wrong is answered with a fixed refusal; no exception leaves it, so that
no server ever prints one with a value in it. It reads no address and no header. Below it stands `gate.protocol`.
"""

from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any

import msgspec

from tyst.core.metric import GATE_ANSWERS
from tyst.gate import admission, batch, blocks, customers, enrolment, lists, loads, network, renewals
from tyst.gate.identity import Peer, Role
from tyst.gate.protocol import PEER
from tyst.gate.refusals import No, Refused
from tyst.gate.room import Gate
from tyst.messages.admission import AdmitKey, AdmitLogin, Confirm, Renew
from tyst.messages.blocks import ListBlocks, SetBlock
from tyst.messages.codec import MAX_BYTES, MessageError, decode, encode
from tyst.messages.devices import DevicesOf, DropDevices, RunBatch
from tyst.messages.fleet import Announce, Enrol, RenewIdentity
from tyst.messages.lists import ListsOf
from tyst.messages.load import LoadsOf
from tyst.messages.network import NetworkOf
from tyst.quiet import fence, process

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Handler = Callable[[Gate, str, Any], Awaitable[msgspec.Struct]]

SHORT, MIDDLE = 4 << 10, 32 << 10


@dataclass(frozen=True)
class Path:
    """What a path takes: whose certificate (None: anybody's), which message, how long, and who answers."""

    role: Role | None
    form: type[msgspec.Struct]
    handler: Handler
    longest: int = SHORT


PATHS = {
    "/v1/enrol": Path(None, Enrol, enrolment.enrol, MIDDLE),
    "/v1/announce": Path(Role.NODE, Announce, enrolment.announce, MIDDLE),
    "/v1/network": Path(Role.NODE, NetworkOf, network.network),
    "/v1/lists": Path(Role.NODE, ListsOf, lists.lists),
    "/v1/identity": Path(Role.NODE, RenewIdentity, enrolment.identity, MIDDLE),
    "/v1/admit/key": Path(Role.NODE, AdmitKey, admission.admit_key),
    "/v1/admit/login": Path(Role.NODE, AdmitLogin, admission.admit_login),
    "/v1/confirm": Path(Role.NODE, Confirm, admission.confirm),
    "/v1/renew": Path(Role.NODE, Renew, renewals.renew, MAX_BYTES),
    "/v1/devices": Path(Role.SITE, DevicesOf, customers.devices),
    "/v1/drop": Path(Role.SITE, DropDevices, customers.drop),
    "/v1/loads": Path(Role.SITE, LoadsOf, loads.loads),
    "/v1/batch": Path(Role.OPERATOR, RunBatch, batch.run_batch),
    "/v1/block": Path(Role.OPERATOR, SetBlock, blocks.block),
    "/v1/blocks": Path(Role.OPERATOR, ListBlocks, blocks.blocks),
}


class Door:
    """The ASGI application."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        if scope["type"] != "http":
            return
        hang_up = False
        reply: msgspec.Struct
        try:
            status, reply, end = 200, await self._answer(scope, receive), "done"
        except Refused as refused:
            status, reply, end = refused.no.status, refused.no.message, "refused"
            # Whoever sends too much is cut off in the middle of it; a stranger has no second question.
            hang_up = refused.no is No.LONG or scope.get(PEER) is None
        except Exception as error:  # noqa: BLE001 - the last line: an exception may carry a value, never to be shown
            status, reply, end = No.INTERNAL.status, No.INTERNAL.message, "failed"
            fence.fault(error)
        process.count(GATE_ANSWERS, end)
        await _send(send, status, encode(reply), hang_up)

    async def _answer(self, scope: Scope, receive: Receive) -> msgspec.Struct:
        path = PATHS.get(scope["path"])
        if path is None:
            raise Refused(No.PATH)
        if scope["method"] != "POST":
            raise Refused(No.METHOD)
        name = self._admit(path, scope.get(PEER))
        try:
            asked = decode(await _body(receive, path.longest), path.form)
        except MessageError:
            raise Refused(No.FORM) from None
        return await path.handler(self._gate, name, asked)

    def _admit(self, path: Path, peer: Peer | None) -> str:
        """The name of whoever knocks, if this path is theirs. A node is looked up each time: revoking works at once."""
        if path.role is None:
            return ""
        if peer is None or peer.until <= self._gate.clock():
            raise Refused(No.CERTIFICATE)
        if peer.role is not path.role:
            raise Refused(No.ROLE)
        if peer.role is Role.NODE:
            row = self._gate.records.node(peer.name)
            if row is None or row.revoked:
                raise Refused(No.REVOKED)
        return peer.name


async def _body(receive: Receive, longest: int) -> bytes:
    parts: list[bytes] = []
    size, more = 0, True
    while more:
        event = await receive()
        if event["type"] != "http.request":
            raise Refused(No.FORM)
        part = event.get("body", b"")
        size += len(part)
        if size > longest:
            raise Refused(No.LONG)
        parts.append(part)
        more = event.get("more_body", False)
    return b"".join(parts)


async def _send(send: Send, status: int, body: bytes, hang_up: bool) -> None:
    lines = [(b"content-type", b"application/msgpack"), (b"content-length", str(len(body)).encode())]
    if hang_up:
        lines.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": status, "headers": lines})
    await send({"type": "http.response.body", "body": body})
