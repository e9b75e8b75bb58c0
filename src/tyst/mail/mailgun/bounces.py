"""Bounces as Mailgun tells them: JSON, signed with HMAC-SHA256 over timestamp and token under the signing key.

https://documentation.mailgun.com/docs/mailgun/user-manual/webhooks/securing-webhooks
"""

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence

from tyst.mail.letter import Answers, ForgedError

FRESH = 15 * 60
"""Seconds for which a signature is good; an older one may be somebody's copy."""


def bounced(headers: Mapping[str, str], body: bytes, answers: Answers, now: int) -> Sequence[str]:
    """The addresses that failed for good. ForgedError when Mailgun did not sign this, or not just now."""
    try:
        told = json.loads(body)
        signed, event = told["signature"], told["event-data"]
        stamp, token, signature = str(signed["timestamp"]), str(signed["token"]), str(signed["signature"])
        age = abs(now - int(stamp))
    except (ValueError, KeyError, TypeError):
        raise ForgedError("this is no message of Mailgun's") from None
    wanted = hmac.new(answers["signing"].encode(), (stamp + token).encode(), hashlib.sha256).hexdigest()
    if not hmac.compare_digest(wanted.encode(), signature.encode()) or age > FRESH:
        raise ForgedError("this message is not signed by Mailgun")
    lasting = isinstance(event, dict) and event.get("event") == "failed" and event.get("severity") == "permanent"
    return (str(event.get("recipient", "")),) if lasting else ()
