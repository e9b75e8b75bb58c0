"""The wire to `monero-wallet-rpc` and to the node behind it: JSON-RPC 2.0 over HTTP with digest login (RFC 7616).

Both run on this machine: what goes over this wire is nobody else's. An answer that makes no sense is one sentence of
ours; the only thing of an answer that an error carries is the wallet's own error number.
Methods and error numbers: https://docs.getmonero.org/rpc-library/wallet-rpc/. Counterpart: `wallets.py`.
"""

import json
import ssl
from collections.abc import Mapping
from contextlib import suppress
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

import httpx

from tyst.payments.provider import PaymentError
from tyst.quiet import fence

PATIENCE = 60.0
"""Seconds. Opening a wallet and reading a day's blocks is slow; the buyer's own calls take some hundredths."""
NO_WALLET, BAD_ACCOUNT = -13, -14
_NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Trusts nobody, and takes no time to make: the doors are on this machine, in the clear."""
_MOST_BYTES = 64 << 20
_UNREACHED = "Monero's wallet RPC can't be reached: is it running, at the address in payments.toml?"
_NONSENSE = "Monero's wallet RPC answered something that makes no sense"


def is_here(address: str) -> bool:
    """Whether an address is plain HTTP on this machine's loopback: nothing else is safe without TLS."""
    split = urlsplit(address)
    return split.scheme == "http" and split.hostname in ("127.0.0.1", "::1", "localhost")


class WalletError(PaymentError):
    """The wallet refused. `code`: its error number, 0 when it gave none."""

    def __init__(self, code: int) -> None:
        super().__init__("Monero's wallet RPC refused what it was asked")
        self.code = code


class Rpc:
    """One JSON-RPC door. `login`: user and password, or nothing for a node."""

    def __init__(self, address: str, login: tuple[str, str] | None = None) -> None:
        self._address = address.rstrip("/")
        self._login = login
        fence.hush("httpx", "httpcore")  # they would log what is asked

    def __repr__(self) -> str:
        return "Rpc()"

    def call(self, method: str, **parameters: object) -> Mapping[str, Any]:
        """The result of one call. WalletError when it was refused, PaymentError otherwise."""
        reply = self._post({"jsonrpc": "2.0", "id": "0", "method": method, "params": parameters})
        error = reply.get("error")
        if error is not None:
            code = error.get("code") if isinstance(error, dict) else 0
            raise WalletError(code if isinstance(code, int) else 0)
        result = reply.get("result")
        if not isinstance(result, dict):
            raise PaymentError(_NONSENSE)
        return result

    def _post(self, body: Mapping[str, object]) -> Mapping[str, Any]:
        # Connection and login of its own for every call: nothing stays behind in a pool, and a wallet RPC that was
        # restarted knows no old challenge.
        auth = httpx.DigestAuth(*self._login) if self._login else httpx.Auth()
        try:
            with httpx.Client(trust_env=False, verify=_NO_TLS, timeout=PATIENCE) as http:
                answer = http.post(f"{self._address}/json_rpc", json=body, auth=auth)
        except (httpx.HTTPError, httpx.InvalidURL):
            raise PaymentError(_UNREACHED) from None
        if answer.status_code == httpx.codes.UNAUTHORIZED:
            raise PaymentError("Monero's wallet RPC does not know this login") from None
        if answer.status_code != httpx.codes.OK or len(answer.content) > _MOST_BYTES:
            raise PaymentError(_NONSENSE) from None
        reply = None
        with suppress(ValueError, RecursionError):  # the fault, which holds the answer, is dropped here
            reply = json.loads(answer.content, parse_float=Decimal)
        if not isinstance(reply, dict):
            raise PaymentError(_NONSENSE) from None
        return reply
