"""Where the gate listens: every way to write it, and nothing that is no address."""

import pytest

from tyst.gate.wiring import listen_address


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (":8443", ("", 8443)),
        ("[::]:8443", ("", 8443)),
        ("192.0.2.1:443", ("192.0.2.1", 443)),
        ("[2001:db8::1]:8443", ("2001:db8::1", 8443)),
    ],
)
def test_an_address_is_understood(text: str, wanted: tuple[str, int]) -> None:
    assert listen_address(text) == wanted


@pytest.mark.parametrize("text", ["", "8443", "gate", ":port", ":70000", "192.0.2.1:"])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        listen_address(text)
