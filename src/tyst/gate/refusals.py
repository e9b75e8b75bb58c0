"""What the door says when it refuses: fixed codes and fixed sentences. Nothing of a request is ever repeated."""

from enum import Enum

from tyst.messages.fleet import Refusal


class No(Enum):
    """(HTTP status, sentence). The name in lower case is the code on the wire."""

    FORM = (400, "the message has not the form that this path takes")
    REQUEST = (400, "the certificate request is malformed, or not signed by the P-256 key that it names")
    KEYS = (400, "the secrets do not belong to the public keys that were announced with them")
    CERTIFICATE = (401, "this path needs a certificate of the fleet that is still valid")
    ROLE = (403, "this certificate's holder has no business on this path")
    REVOKED = (403, "this node is revoked or unknown: the operator can add it again")
    TOKEN = (403, "the enrolment token is spent, too old or not of this fleet: ask the operator for a new one")
    SESSION = (403, "the session has ended or belongs to no account: sign in again")
    PATH = (404, "there is nothing here")
    METHOD = (405, "this path takes POST")
    LONG = (413, "the message is too long for this path")
    SLOWLY = (429, "too many requests: try again in a while")
    INTERNAL = (500, "the gate could not do this; nothing was changed")

    @property
    def status(self) -> int:
        """The HTTP status."""
        return self.value[0]

    @property
    def message(self) -> Refusal:
        """The refusal as it crosses."""
        return Refusal(self.name.lower(), self.value[1])


class Refused(Exception):
    """Raised by a handler that refuses."""

    def __init__(self, no: No) -> None:
        super().__init__(no.name)
        self.no = no
