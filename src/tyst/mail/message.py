"""A letter as Django's mail message, and the two services that django-anymail speaks for.

Everything that Django or anymail would read from settings is given here by hand. Tracking is switched off for each
message, whatever is set at the service; tags and metadata are never set. Sessions live for one letter: no connection
keeps its bytes. An error of anymail's carries the whole letter, so none leaves this module.
"""

from collections.abc import Callable
from typing import Any

from anymail.exceptions import AnymailError, AnymailRecipientsRefused
from django.core.mail import EmailMessage

from tyst.mail.letter import Letter, MailError

SECONDS = 20
"""How long a service may take."""


def message_of(letter: Letter, sender: str) -> EmailMessage:
    """The letter as a message, tracking off."""
    message = EmailMessage(letter.subject, letter.text, sender, [letter.to], headers=_headers(letter))
    if letter.attachment is not None:
        message.attach(letter.attachment.name, letter.attachment.content, letter.attachment.form)
    return message


def _headers(letter: Letter) -> dict[str, str]:
    """RFC 3834: nobody's absence is to be told to us. RFC 8058: newsletters end with one click."""
    headers = {"Auto-Submitted": "auto-generated"}
    if letter.unsubscribe:
        headers["List-Unsubscribe"] = f"<{letter.unsubscribe}>"
        headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    return headers


def carry(backend: Callable[[], Any], letter: Letter, sender: str, verify: str | None) -> bool:
    """Sends by a backend of anymail's. True: taken; False: the address was refused; MailError: neither."""
    message: Any = message_of(letter, sender)
    message.track_opens = message.track_clicks = False
    if taken := _sent(backend, message, verify):
        return taken == "taken"
    raise MailError("the mail service did not take a letter")


def _sent(backend: Callable[[], Any], message: Any, verify: str | None) -> str:
    """taken, refused, or "" for an error, which ends here because it carries the letter."""
    connection = backend()
    try:
        connection.open()
        session = connection.session
        session.trust_env, session.max_redirects = False, 0
        if verify:
            session.verify = verify
        return "taken" if connection.send_messages([message]) else ""
    except AnymailRecipientsRefused:
        return "refused"
    except (AnymailError, OSError, ValueError):
        return ""
    finally:
        connection.close()
