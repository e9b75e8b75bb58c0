"""Sessions without a table: sealed cookies that hold the account's handle, and a deny-set in RAM for signing out.

A session and the 'remember me' beside it share one serial, so that signing out ends both. Re-keying or deleting the
account ends all of them, because their handle opens nothing any more. No cookie is written anywhere; the deny-set is
lost at a restart (docs/threat-model.md says so). Counterpart: `core.tokens`.
"""

import threading
from dataclasses import dataclass

from django.http import HttpResponse

from tyst.core.keyring import Keyring
from tyst.core.seal import Kind, SealError
from tyst.core.tokens import Remember, Session, Token, from_text, open_token, seal_token, to_text

SESSION, REMEMBER, ORDER = "session", "remember", "order"
"""The cookies' names: all that the site ever sets."""

SERIAL_BYTES = 8
NONCE_BYTES = 12


class Denied:
    """Serials of sessions that signed out, until they would have expired. RAM only."""

    def __init__(self) -> None:
        self._until: dict[bytes, int] = {}
        self._lock = threading.Lock()

    def add(self, serial: bytes, now: int) -> None:
        """From now on this serial opens nothing. `now`: seconds since 1970."""
        lifetime = Kind.REMEMBER.lifetime or 0
        with self._lock:
            self._until = {one: until for one, until in self._until.items() if until > now}
            self._until[serial] = now + lifetime + 86400

    def __contains__(self, serial: bytes) -> bool:
        return serial in self._until


@dataclass(frozen=True)
class Found:
    """What a visitor's cookies say. `renew`: only the long-lived one was good, so the session is to be made anew."""

    session: Session
    renew: bool


def read(keys: Keyring, denied: Denied, cookies: dict[str, str], now: int) -> Found | None:
    """The session in these cookies, or None. Never raises for bad ones."""
    found = _open(keys, Session, cookies.get(SESSION), now)
    if found and found.serial not in denied:
        return Found(found, renew=False)
    remembered = _open(keys, Remember, cookies.get(REMEMBER), now)
    if remembered and remembered.serial not in denied:
        return Found(Session(remembered.handle, remembered.serial), renew=True)
    return None


def _open(keys: Keyring, form: type[Session], text: str | None, now: int) -> Session | None:
    try:
        return open_token(keys.seal, form, from_text(text), now=now) if text and len(text) < 400 else None
    except SealError:
        return None


def sealed(keys: Keyring, session: Session, nonce: bytes, now: int) -> bytes:
    """A session's sealed bytes: the cookie's content, and what the gate is shown."""
    return seal_token(keys.seal, session, nonce=nonce, now=now)


def set_cookies(
    response: HttpResponse,
    keys: Keyring,
    session: Session,
    nonces: tuple[bytes, bytes | None],
    now: int,
    *,
    secure: bool,
) -> None:
    """Puts the session into the response, and 'remember me' when its nonce is given."""
    _put(response, SESSION, sealed(keys, session, nonces[0], now), None, secure=secure)
    if nonces[1] is not None:
        token: Token = Remember(session.handle, session.serial)
        blob = seal_token(keys.seal, token, nonce=nonces[1], now=now)
        _put(response, REMEMBER, blob, Kind.REMEMBER.lifetime, secure=secure)


def _put(response: HttpResponse, name: str, blob: bytes, age: int | None, *, secure: bool) -> None:
    response.set_cookie(name, to_text(blob), max_age=age, path="/", secure=secure, httponly=True, samesite="Lax")


def drop_cookies(response: HttpResponse) -> None:
    """Takes all cookies away, an open payment's too."""
    for name in (SESSION, REMEMBER, ORDER):
        response.delete_cookie(name, path="/", samesite="Lax")
