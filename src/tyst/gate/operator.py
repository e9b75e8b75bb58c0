"""The operator's line to her own gate: asks over the door that everybody uses, with the operator's certificate.

Used by commands on the gate's host; the state folder holds the certificate. Counterpart: the paths of `gate.door` that
are the operator's.
"""

import ssl
from http.client import HTTPException, HTTPSConnection
from pathlib import Path
from typing import TypeVar

import msgspec

from tyst.gate.identity import Role, peer_of
from tyst.messages.codec import MAX_BYTES, MessageError, decode, encode

T = TypeVar("T")
PATIENCE = 60


class OperatorError(Exception):
    """The gate did not do it. Says what to look at."""


def ask(state: Path, listen: tuple[str, int], path: str, message: msgspec.Struct, form: type[T]) -> T:
    """The gate's answer to the operator. OperatorError; FileNotFoundError when the folder is no gate's."""
    context = ssl.create_default_context(cafile=str(state / "ca.crt"))
    context.load_cert_chain(state / "operator.crt", state / "operator.key")
    context.check_hostname = False  # the door is reached by a local address; that it is a gate is checked below
    connection = HTTPSConnection(listen[0] or "127.0.0.1", listen[1], timeout=PATIENCE, context=context)
    try:
        connection.connect()
        if not _is_gate(connection):
            raise OperatorError("whoever answers there is not the gate of this state folder")
        connection.request("POST", path, encode(message))
        response = connection.getresponse()
        body = response.read(MAX_BYTES)
        if response.status == 200:
            return decode(body, form)
    except (OSError, HTTPException, MessageError):
        pass
    finally:
        connection.close()
    raise OperatorError("the gate did not do it. Is it running? `--listen` says where")


def _is_gate(connection: HTTPSConnection) -> bool:
    certificate = connection.sock.getpeercert(binary_form=True) if isinstance(connection.sock, ssl.SSLSocket) else None
    peer = peer_of(certificate) if certificate else None
    return peer is not None and peer.role is Role.GATE
