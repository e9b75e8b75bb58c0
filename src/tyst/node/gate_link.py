"""The node's line to the gate: one HTTPS client with the node's own certificate, and whether the gate is there.

Nothing above it sees an exception for an absent gate: every question has an answer that says so. State is CONNECTED or
LOST; a line that is lost is tried again every second, and who waits for it is told. It keeps no question and no answer,
only leases that are to be given back, until they are. Its counterpart is `tyst.gate`; paths are those of the messages.
"""

import asyncio
import contextlib
import ssl
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import msgspec

from tyst.messages.admission import Admission, AdmitKey, AdmitLogin, Confirm, Renew, Renewed, Verdict, Why
from tyst.messages.codec import MAX_BYTES, MessageError, decode, encode
from tyst.messages.fleet import Announce, Announced, Enrol, Enrolled, Identity, Refusal, RenewIdentity
from tyst.messages.lists import ListsOf, Piece
from tyst.messages.network import Network, NetworkOf
from tyst.node.doors import GateState
from tyst.node.line import HttpsClient, LineError, Reply

T = TypeVar("T")

_QUICK, _PATIENT = 2.0, 10.0
_FLUSH_AFTER = 0.5
_RETURN_CAP = 100_000
_ABSENT = Admission(Verdict.GARDEN, Why.UNREACHABLE)
_ABSENT_LOGIN = Admission(Verdict.REFUSED, Why.UNREACHABLE)
_BUSY = Admission(Verdict.BUSY, Why.BUSY)


class GateAbsent(ConnectionError):
    """No gate, or none that can answer now."""

    def __init__(self) -> None:
        super().__init__("the gate does not answer: is it running, and can this host reach it?")


class GateRefused(RuntimeError):
    """The gate refused, with a fixed code and sentence of its own."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


class GateLink:
    """`context`: TLS with the fleet's authority as only root and, but for enrolment, the node's certificate."""

    def __init__(self, url: str, context: ssl.SSLContext, now: Callable[[], float]) -> None:
        self._url, self._now = url, now
        self._client = HttpsClient(url, context, MAX_BYTES)
        self._lost_at: float | None = None
        self._returned: list[bytes] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._flushing = False
        self.found = asyncio.Event()
        """Set when a lost gate is back; whoever acts on it clears it."""

    @property
    def state(self) -> GateState:
        return GateState.CONNECTED if self._lost_at is None else GateState.LOST

    @property
    def lost_for(self) -> float:
        """Seconds since the gate was lost; 0 while it is connected."""
        return 0.0 if self._lost_at is None else self._now() - self._lost_at

    def use(self, context: ssl.SSLContext) -> None:
        """From now on with another certificate; requests under way end on the old line."""
        old, self._client = self._client, HttpsClient(self._url, context, MAX_BYTES)
        old.close()

    async def close(self) -> None:
        """Gives back what is left, if the gate is there, and hangs up."""
        with contextlib.suppress(GateAbsent, GateRefused):
            await self._flush()
        for task in list(self._tasks):
            task.cancel()
        self._client.close()

    # --- joining ------------------------------------------------------------------------------------------------

    async def enrol(self, question: Enrol) -> Enrolled:
        """Once, with the operator's token. GateAbsent, GateRefused."""
        return await self._ask("enrol", question, Enrolled, _PATIENT)

    async def announce(self, question: Announce) -> Announced:
        """At every start. GateAbsent, GateRefused."""
        return await self._ask("announce", question, Announced, _PATIENT)

    async def network(self, question: NetworkOf) -> Network:
        """What the fleet looks like now. GateAbsent, GateRefused."""
        return await self._ask("network", question, Network, _PATIENT)

    async def lists(self, question: ListsOf) -> Piece:
        """A piece of the operator's signed lists. GateAbsent, GateRefused."""
        return await self._ask("lists", question, Piece, _PATIENT)

    async def renew_identity(self, question: RenewIdentity) -> Identity:
        """GateAbsent, GateRefused."""
        return await self._ask("identity", question, Identity, _PATIENT)

    # --- admission: nothing here raises -------------------------------------------------------------------------

    async def admit_key(self, question: AdmitKey) -> Admission:
        """A proven key for a provisional lease; GARDEN and UNREACHABLE while the gate is lost."""
        return await self._admission("admit/key", question, _QUICK, _ABSENT)

    async def confirm(self, lease: bytes) -> Admission:
        """A provisional lease for one that counts."""
        return await self._admission("confirm", Confirm(lease), _QUICK, _ABSENT)

    async def admit_login(self, sealed: bytes, entered: bool = False) -> Admission:
        """A sealed login; REFUSED and UNREACHABLE while the gate is lost. Takes a slot, so it is never asked twice."""
        return await self._admission("admit/login", AdmitLogin(sealed, entered), _PATIENT, _ABSENT_LOGIN)

    def give_back(self, lease: bytes) -> None:
        """The tunnel ended: told within a second, or with the next renewal that gets through."""
        if not lease:
            return
        if len(self._returned) < _RETURN_CAP:
            self._returned.append(lease)
        if not self._flushing and self.state is GateState.CONNECTED:
            self._flushing = True
            self._later(self._flush_soon())

    async def renew(self, question: Renew) -> Renewed | None:
        """All leases at once; None when the gate is not there. Carries what is to be given back along."""
        returned, self._returned = self._returned, []
        try:
            return await self._ask("renew", msgspec.structs.replace(question, returned=returned), Renewed, _PATIENT)
        except (GateAbsent, GateRefused):
            self._returned = returned + self._returned
            return None

    async def _admission(self, path: str, question: msgspec.Struct, within: float, absent: Admission) -> Admission:
        if self.state is GateState.LOST:
            return absent
        try:
            return await self._ask(path, question, Admission, within)
        except GateAbsent:
            return absent
        except GateRefused as refusal:
            return _BUSY if refusal.code == "slowly" else Admission(Verdict.REFUSED, Why.NODE)

    # --- the line -----------------------------------------------------------------------------------------------

    async def _ask(self, path: str, question: msgspec.Struct, form: type[T], within: float) -> T:
        """One question. A line that the gate closed just then is opened anew, once."""
        body = encode(question)
        try:
            reply = await self._post(path, body, within)
        except LineError:
            self._lose()
            raise GateAbsent from None
        if reply.status >= 500:
            raise GateAbsent
        self._find()
        return _answer(reply.status, reply.body, form)

    async def _post(self, path: str, body: bytes, within: float) -> Reply:
        try:
            return await self._client.post(f"/v1/{path}", body, within=within)
        except LineError as failure:
            if not failure.stale or path == "admit/login":
                raise
        return await self._client.post(f"/v1/{path}", body, within=within)

    def _lose(self) -> None:
        if self._lost_at is None:
            self._lost_at = self._now()
            self._later(self._seek())

    def _find(self) -> None:
        if self._lost_at is not None:
            self._lost_at = None
            self.found.set()

    async def _seek(self) -> None:
        """Until the gate is back: an empty renewal every second."""
        while self._lost_at is not None:
            await asyncio.sleep(1.0)
            await self.renew(Renew([]))

    async def _flush_soon(self) -> None:
        await asyncio.sleep(_FLUSH_AFTER)
        self._flushing = False
        await self._flush()

    async def _flush(self) -> None:
        if self._returned and self.state is GateState.CONNECTED:
            await self.renew(Renew([]))

    def _later(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _answer(status: int, data: bytes, form: type[T]) -> T:
    try:
        if status == 200:
            return decode(data, form)
        refusal = decode(data, Refusal)
    except MessageError:
        raise GateAbsent from None
    raise GateRefused(refusal.code, refusal.sentence)
