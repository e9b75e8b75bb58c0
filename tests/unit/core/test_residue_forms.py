"""Each mark is looked for in at least 25 forms; the forms that came last, beside real encoders."""

import base64
import hashlib

import pytest

from tyst.core.residue import Mark, MarkKind
from tyst.core.residue_encodings import base32_forms, encodings

MARKS = [
    Mark("address4", MarkKind.ADDRESS4, "198.51.100.7"),
    Mark("address6", MarkKind.ADDRESS6, "2001:db8::7a1b:9c33"),
    Mark("mac", MarkKind.MAC, "02:fd:9a:81:b3:c7"),
    Mark("name", MarkKind.NAME, "5b1c0e77aa.probe.test"),
    Mark("user name", MarkKind.TEXT, "badefi0123456789"),
    Mark("address of mail", MarkKind.TEXT, "7d11a5b3@example.org"),
    Mark("key", MarkKind.KEY, hashlib.sha256(b"key").digest()),
    Mark("tag", MarkKind.TOKEN, hashlib.md5(b"tag", usedforsecurity=False).digest()),
]


@pytest.mark.parametrize("mark", MARKS, ids=lambda mark: mark.name)
def test_each_mark_has_at_least_25_forms(mark: Mark) -> None:
    forms = encodings(mark)
    assert len(set(forms.values())) == len(forms) >= 25


@pytest.mark.parametrize("before", range(11))
def test_a_value_inside_longer_base32_is_found_wherever_it_begins(before: int) -> None:
    value = b"badefi0123456789"
    text = base64.b32encode(b"?" * before + value + b"!" * 7)
    assert [form for form in base32_forms(value).values() if form in text]


def test_octal_spaced_list_and_long_digests_are_as_others_write_them() -> None:
    forms, raw = encodings(MARKS[4]), b"badefi0123456789"
    assert forms["text-octal"] == b"".join(b"\\%03o" % byte for byte in raw)
    assert forms["text-spaced"].decode() == " ".join(f"{byte:02x}" for byte in raw)
    assert forms["text-list"].decode() == str(list(raw))[1:-1]
    assert forms["text-sha512-hex"].decode() == hashlib.sha512(raw).hexdigest()
    assert forms["text-blake2b"] == hashlib.blake2b(raw).digest()
