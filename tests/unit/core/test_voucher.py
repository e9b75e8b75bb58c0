"""Voucher codes: what people mistype is caught before the database is asked."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tyst.core.paper import ALPHABET
from tyst.core.voucher import VoucherError, hash_of, new_code, normalise

codes = st.binary(min_size=10, max_size=10).map(new_code)
places = st.integers(0, 17)


def plain(code: str) -> str:
    return code.replace("-", "")


def test_alices_voucher_reads_the_same_however_she_types_it() -> None:
    code = new_code(bytes(range(10)))
    typed = "  " + plain(code).lower().replace("0", "o").replace("1", "l") + "\n"
    assert normalise(typed) == normalise(code) == code
    assert hash_of(typed) == hash_of(code)
    assert code.count("-") == 3 and len(plain(code)) == 18


@given(codes, places, st.sampled_from(ALPHABET))
def test_any_wrong_character_is_caught(code: str, place: int, other: str) -> None:
    text = plain(code)
    wrong = text[:place] + other + text[place + 1 :]
    if wrong != text:
        with pytest.raises(VoucherError):
            normalise(wrong)


@given(codes, places, places, st.sampled_from(ALPHABET), st.sampled_from(ALPHABET))
def test_any_two_wrong_characters_are_caught(code: str, one: int, two: int, first: str, second: str) -> None:
    letters = list(plain(code))
    letters[one], letters[two] = first, second
    if "".join(letters) != plain(code):
        with pytest.raises(VoucherError):
            normalise("".join(letters))


@given(codes, places, places)
def test_any_swap_of_two_characters_is_caught(code: str, one: int, two: int) -> None:
    letters = list(plain(code))
    letters[one], letters[two] = letters[two], letters[one]
    if "".join(letters) != plain(code):
        with pytest.raises(VoucherError):
            normalise("".join(letters))


@pytest.mark.parametrize("text", ["", "abc", "U" * 18, "ä" * 18, "0" * 17, "0" * 19])
def test_what_is_no_voucher_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(VoucherError) as refusal:
        normalise(text)
    assert not text or text not in str(refusal.value)


def test_mallory_rarely_guesses_even_the_check_characters() -> None:
    passed = 0
    for _ in range(4000):
        number = int.from_bytes(os.urandom(12))
        text = "".join(ALPHABET[number >> 5 * place & 31] for place in range(18))
        try:
            normalise(text)
            passed += 1
        except VoucherError:
            continue
    assert passed < 30, "one in 1,024 is expected"


def test_two_codes_have_two_hashes_of_32_bytes() -> None:
    assert len(hash_of(new_code(bytes(10)))) == 32
    assert hash_of(new_code(bytes(10))) != hash_of(new_code(bytes(9) + b"\1"))
