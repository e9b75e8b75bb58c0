"""Bounces as Postmark tells them: JSON behind HTTP basic authentication that the operator chose.

https://postmarkapp.com/developer/webhooks/bounce-webhook
"""

import base64
import hmac
import json
from collections.abc import Mapping, Sequence

from tyst.mail.letter import Answers, ForgedError

LASTING = frozenset({"HardBounce", "BadEmailAddress", "ManuallyDeactivated", "SpamComplaint"})


def bounced(headers: Mapping[str, str], body: bytes, answers: Answers, now: int) -> Sequence[str]:
    """The addresses that failed for good. ForgedError without the right user name and password."""
    pair = f"{answers['user']}:{answers['password']}".encode()
    wanted = b"Basic " + base64.b64encode(pair)
    if not hmac.compare_digest(wanted, headers.get("authorization", "").encode()):
        raise ForgedError("this message is not Postmark's")
    try:
        told = json.loads(body)
        lasting = told["RecordType"] in {"Bounce", "SpamComplaint"} and told.get("Type") in LASTING
        return (str(told["Email"]),) if lasting else ()
    except (ValueError, KeyError, TypeError):
        raise ForgedError("this is no message of Postmark's") from None
