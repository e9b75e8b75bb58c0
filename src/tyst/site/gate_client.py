"""The site's way to the gate: few questions over mutual TLS, with the customer's own session where they are about her.

How many devices are connected, 'disconnect all', and how busy the nodes are. The gate hears no address and no name; of
a customer it is asked only when she looks. When it can't be reached the page says so and goes on. Counterpart: `gate`
answers `/v1/devices`, `/v1/drop` and `/v1/loads`; messages are `messages.devices` and `messages.load`.
"""

import http.client
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol, TypeVar
from urllib.parse import urlsplit

import msgspec

from tyst.messages.codec import MAX_BYTES, MessageError, decode, encode
from tyst.messages.devices import Devices, DevicesOf, DropDevices, Dropped
from tyst.messages.load import LoadsOf, NodeLoads

TIMEOUT_SECONDS = 3.0
T = TypeVar("T")


class GateError(Exception):
    """The gate gave no usable answer. Carries nothing of the question."""


class Gate(Protocol):
    """What the site may ask."""

    def devices(self, session: bytes) -> int:
        """How many devices this customer has connected now. Raises GateError."""

    def drop(self, session: bytes, *, leaving: bool = False) -> int:
        """Disconnects all of this customer's devices; how many there were. `leaving`: for good. Raises GateError."""

    def loads(self) -> Mapping[str, int]:
        """How busy each node is, 0 to 10. Raises GateError."""


class HttpsGate:
    """The gate at an https address, known by the fleet's authority; the site shows its own certificate."""

    def __init__(self, url: str, state: Path) -> None:
        parts = urlsplit(url)
        if parts.scheme != "https" or not parts.hostname:
            raise ValueError("the gate's address looks like https://gate.example:8443")
        self._host, self._port = parts.hostname, parts.port or 443
        self._context = ssl.create_default_context(cafile=str(state / "ca.crt"))
        self._context.minimum_version = ssl.TLSVersion.TLSv1_3
        self._context.load_cert_chain(state / "site.crt", state / "site.key")

    def devices(self, session: bytes) -> int:
        return self._ask("devices", DevicesOf(session), Devices).count

    def drop(self, session: bytes, *, leaving: bool = False) -> int:
        return self._ask("drop", DropDevices(session, leaving), Dropped).count

    def loads(self) -> Mapping[str, int]:
        return self._ask("loads", LoadsOf(), NodeLoads).steps

    def _ask(self, name: str, question: msgspec.Struct, form: type[T]) -> T:
        connection = http.client.HTTPSConnection(self._host, self._port, timeout=TIMEOUT_SECONDS, context=self._context)
        try:
            connection.request("POST", f"/v1/{name}", encode(question), {"Content-Type": "application/msgpack"})
            response = connection.getresponse()
            body = response.read(MAX_BYTES)
            if response.status != 200:
                raise GateError("the gate refused")
            return decode(body, form)
        except (OSError, http.client.HTTPException, MessageError):
            raise GateError("the gate can't be reached, or gave an answer of another form") from None
        finally:
            connection.close()
