"""The site's letters: seals the links in them and puts them into the outbox. What pages need of mail is all here.

A link's first use is judged by `pages/letters.py`. Counterparts: `mail.letters` has the words, `core.links` the seals.
"""

from datetime import datetime
from typing import TypeVar

from tyst.core.links import Confirm, Purpose, Reset, Unsubscribe
from tyst.core.seal import SealError
from tyst.core.tokens import HANDLE_BYTES, Token, from_text, open_token, seal_token, to_text
from tyst.mail.letters import Reader
from tyst.records import accounts
from tyst.records.models import Account
from tyst.site.services import Services

_NONCE_BYTES = 12
_T = TypeVar("_T", bound=Token)


def ask_newsletter(services: Services, account: Account, email: str) -> None:
    """Asks at an address whether it wants the newsletter (double opt-in)."""
    token = _confirm(services, Purpose.NEWSLETTER, account, email)
    services.outbox.post(services.writer.confirm_newsletter(_reader(account, email), token))


def ask_address(services: Services, account: Account, email: str) -> None:
    """Asks at an address whether it is the account's."""
    token = _confirm(services, Purpose.ADDRESS, account, email)
    services.outbox.post(services.writer.confirm_address(_reader(account, email), token))


def tell_old_address(services: Services, account: Account, email: str | None) -> None:
    """Tells the address that was replaced or removed."""
    if email:
        services.outbox.post(services.writer.address_changed(_reader(account, email)))


def send_reset(services: Services, username: str, email: str, language: str) -> None:
    """A letter with a link to a new password, if the address is that account's; otherwise one to nobody.

    Both are sealed, written and queued alike, so that neither the answer nor its time tells which it was.
    """
    account = accounts.by_username(username)
    known = account is not None and account.email is not None and account.email.casefold() == email.casefold()
    handle = services.draw(HANDLE_BYTES)
    reader = Reader("", username, language)
    if known and account is not None:
        handle, reader = account.handle, _reader(account, account.email or "")
    services.outbox.post(services.writer.reset(reader, _sealed(services, Reset(handle))))


def account_of_reset(services: Services, text: str) -> Account | None:
    """Whose new password a link is for; None when it was used, is old, or isn't ours."""
    token = _opened(services, Reset, text)
    return accounts.by_handle(token.handle) if token else None


def confirmed(services: Services, text: str) -> tuple[Confirm, Account] | None:
    """What a link confirms, and for whom."""
    token = _opened(services, Confirm, text)
    account = _named(token.username, token.since) if token else None
    return (token, account) if token and account else None


def unsubscriber(services: Services, text: str) -> Account | None:
    """Whose newsletter a link ends."""
    token = _opened(services, Unsubscribe, text)
    return _named(token.username, token.since) if token else None


def _confirm(services: Services, purpose: Purpose, account: Account, email: str) -> str:
    return _sealed(services, Confirm(purpose, account.username, account.created_at, email))


def _sealed(services: Services, token: Token) -> str:
    nonce = services.draw(_NONCE_BYTES)
    return to_text(seal_token(services.keys.seal, token, nonce=nonce, now=services.seconds))


def _opened(services: Services, form: type[_T], text: str) -> _T | None:
    try:
        return open_token(services.keys.seal, form, from_text(text), now=services.seconds)
    except (SealError, ValueError):
        return None


def _named(username: str, since: datetime) -> Account | None:
    """The account of this name that was made in this hour: a name that is taken again inherits nothing."""
    account = accounts.by_username(username)
    return account if account is not None and account.created_at == since else None


def _reader(account: Account, email: str) -> Reader:
    return Reader(email, account.username, account.language)
