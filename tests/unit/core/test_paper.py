"""Text that people copy by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tyst.core.paper import PaperError, bits_to_symbols, symbols_to_bits, symbols_to_text, text_to_symbols


@given(st.binary(max_size=64), st.integers(1, 9))
def test_what_is_written_down_reads_back(data: bytes, group: int) -> None:
    text = symbols_to_text(bits_to_symbols(data), group)
    assert symbols_to_bits(text_to_symbols(text.lower().replace("-", " "))) == data


@pytest.mark.parametrize("text", ["U", "!", "é", "0" * 3, "00000001"[:2] + "1"])
def test_what_was_never_written_is_refused(text: str) -> None:
    with pytest.raises(PaperError):
        symbols_to_bits(text_to_symbols(text))
