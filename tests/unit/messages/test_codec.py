"""Messages: what crosses between rooms is what was sent, and garbage is refused without being repeated."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tyst.messages.admission import AdmitKey, Ended, Held, Renew, Renewed, Why
from tyst.messages.codec import MAX_BYTES, MessageError, decode, encode
from tyst.messages.fleet import JoinToken


def test_messages_read_back() -> None:
    for message in (
        AdmitKey(b"t" * 16, b"o" * 32),
        Renew([Held(b"lease", quiet=True)], [b"old"]),
        Renewed([Ended(3, Why.EXPIRED)], [(1, b"fresh")]),
        JoinToken("https://gate.tyst.test:8443", b"der", b"sealed"),
    ):
        assert decode(encode(message), type(message)) == message


@pytest.mark.parametrize("message", [AdmitKey(b"t" * 15, b"o" * 32), AdmitKey(b"t" * 16, b"")])
def test_a_tag_or_opener_of_the_wrong_length_is_refused(message: AdmitKey) -> None:
    with pytest.raises(MessageError):
        decode(encode(message), AdmitKey)


@given(st.binary(max_size=400))
def test_garbage_is_refused_in_one_sentence(garbage: bytes) -> None:
    for form in (AdmitKey, Renewed, JoinToken):
        with pytest.raises(MessageError) as caught:
            decode(b"\x93" + garbage, form)
        assert str(caught.value) == "the message has not the form this path takes"


def test_an_endless_message_is_refused_unread() -> None:
    with pytest.raises(MessageError, match="too long"):
        decode(bytes(MAX_BYTES + 1), AdmitKey)


def test_deep_nesting_does_not_crash() -> None:
    with pytest.raises(MessageError):
        decode(b"\x91" * 100_000, Renew)
