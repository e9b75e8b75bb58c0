"""The operator's lists: read from other people's files, signed, and never older than before."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from tyst.core.kinds import KINDS
from tyst.core.lists import MAX_BYTES, SIGNATURE_BYTES, Lists, ListsError, made, opened, parsed, pruned, signed

OPERATOR, MALLORY = (Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32) for number in (1, 2))
PUBLIC = OPERATOR.public_key().public_bytes_raw()
LABELS = st.text("abz09_", min_size=1, max_size=4)
NAMES = st.builds(
    lambda labels, last: ".".join([*labels, last]),
    st.lists(LABELS, min_size=1, max_size=4),
    st.sampled_from(("test", "example", "xn--p1ai")),
)
SOME = st.dictionaries(st.sampled_from(KINDS), st.lists(NAMES, max_size=6))


def forged(text: bytes) -> bytes:
    """Any text, well signed."""
    return OPERATOR.sign(b"tyst lists\0" + text) + text


def test_hosts_files_and_plain_lists_are_read() -> None:
    text = "# a list\n0.0.0.0 Ads.Example. track.example # two\n::1 six.test\nplain.test\n127.0.0.1 localhost\n\n"
    assert parsed(text) == (frozenset({"ads.example", "track.example", "six.test", "plain.test"}), 1)


def test_what_is_no_name_is_passed_over_and_counted() -> None:
    wrong = [
        "||ads.test^",
        "no-dot",
        "1.2.3.4",
        "two words.test",
        'x".test',
        "a..test",
        "-a.test",
        "ä.test",
        "a" * 64 + ".test",
    ]
    assert parsed("\n".join(wrong)) == (frozenset(), len(wrong))


def test_a_name_stands_for_all_below_it() -> None:
    assert pruned(["a.b.test", "b.test", "ab.test", "x.a.b.test"]) == ("ab.test", "b.test")


@given(SOME, st.integers(1, 2**31 - 1))
def test_what_is_signed_is_what_is_opened(some: dict[str, list[str]], version: int) -> None:
    lists = made(version, some)
    assert opened(signed(lists, OPERATOR), PUBLIC, above=version - 1) == lists


@given(st.binary(max_size=300))
def test_any_bytes_are_refused_and_in_one_way(junk: bytes) -> None:
    for bundle in (junk, forged(junk)):
        with pytest.raises(ListsError):
            opened(bundle, PUBLIC)


@given(st.text(max_size=300))
def test_the_reader_of_other_peoples_files_takes_any_text_and_gives_names_alone(text: str) -> None:
    names, _ = parsed(text)
    assert made(1, {"ads": names}).of("ads") == pruned(names)


def test_mallory_can_neither_sign_nor_change_nor_bring_back_an_old_bundle() -> None:
    lists = made(7, {"ads": ["ads.test"]})
    bundle = signed(lists, OPERATOR)
    tries = [
        signed(lists, MALLORY),
        bundle[:SIGNATURE_BYTES] + bundle[SIGNATURE_BYTES:].replace(b"ads.t", b"tyst.t"),
        b"",
    ]
    for wrong in tries:
        with pytest.raises(ListsError):
            opened(wrong, PUBLIC)
    with pytest.raises(ListsError, match="newer"):
        opened(bundle, PUBLIC, above=7)
    assert opened(bundle, PUBLIC, above=6) == lists


@pytest.mark.parametrize(
    "text",
    [
        b"tyst lists 1\nversion 1\nads 1\nb.test\na.test\n",
        b"tyst lists 1\nversion 1\nads 2\nb.test\na.test\n",
        b"tyst lists 1\nversion 01\nads 1\na.test\n",
        b"tyst lists 1\nversion 0\nads 1\na.test\n",
        b"tyst lists 1\nversion 1\nstreaming 0\nads 1\na.test\n",
        b"tyst lists 1\nversion 1\nads 1\na.test\nads 1\na.test\n",
        b"tyst lists 1\nversion 1\nadds 1\na.test\n",
        b'tyst lists 1\nversion 1\nads 1\na.test"\n',
        b"tyst lists 1\nversion 1\nads 9999999999\na.test\n",
        b"tyst lists 1\nversion 1\nads 1\na.test",
        b"tyst lists 2\nversion 1\nads 1\na.test\n",
    ],
)
def test_a_signed_text_of_another_form_is_refused(text: bytes) -> None:
    with pytest.raises(ListsError):
        opened(forged(text), PUBLIC)


def test_a_bundle_is_bounded() -> None:
    long = [f"{number:063d}.{number:063d}.test" for number in range(MAX_BYTES // 130)]
    with pytest.raises(ListsError, match="too long"):
        signed(Lists(1, {"ads": tuple(long)}), OPERATOR)
    with pytest.raises(ListsError):
        opened(bytes(MAX_BYTES + 1), PUBLIC)
