"""An answer's PDF carries a signature that PDF readers check, over every byte, and nothing can be put behind it."""

import re
import subprocess
from datetime import date
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tyst.core.court import Asked, Request
from tyst.core.signed import SignedError, stamped
from tyst.fleet import answer_pdf, disclosure, pdf_signature
from tyst.records import transparency

OURS = Ed25519PrivateKey.generate()
PUBLIC = OURS.public_key().public_bytes_raw()
TODAY = date(2026, 11, 24)


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("signing")
    transparency.found(folder, TODAY)
    return folder


@pytest.fixture(scope="module")
def pdf(state: Path) -> bytes:
    """A signed letter."""
    request = Request(Asked.PRESERVATION, "B 4711-26", "Stockholms tingsrätt", "se")
    pages = answer_pdf.pages(disclosure._body(request, ("doris", "emil"), TODAY, []))
    return pdf_signature.signed(stamped(pages, OURS), *transparency.answers_pair(state))


def openssl(state: Path, pdf: bytes) -> bool:
    """What a program of others says of the signature over the ranges that the PDF names."""
    found = re.search(rb"/ByteRange \[0 (\d+) (\d+) (\d+)\]", pdf)
    assert found is not None
    start, end, rest = map(int, found.groups())
    assert end + rest == len(pdf) and pdf[start : start + 1] == b"<" and pdf[end - 1 : end] == b">", "all but the hole"
    (state / "message").write_bytes(bytes.fromhex(pdf[start + 1 : end - 1].decode()))
    (state / "content").write_bytes(pdf[:start] + pdf[end:])
    words = ["-inform", "DER", "-in", "message", "-content", "content", "-CAfile", "transparency/answers.crt"]
    command = ["openssl", "cms", "-verify", *words, "-purpose", "any", "-binary", "-out", "/dev/null"]
    return subprocess.run(command, cwd=state, check=False, capture_output=True, timeout=30).returncode == 0


def test_the_signature_holds_and_a_changed_byte_breaks_it(state: Path, pdf: bytes) -> None:
    assert openssl(state, pdf)
    assert not openssl(state, pdf.replace(b"/Producer", b"/Broducer", 1))


def test_the_table_of_the_update_leads_to_its_objects(pdf: bytes) -> None:
    start = int(pdf[pdf.rindex(b"startxref") :].split()[1])
    table = pdf[start : pdf.rindex(b"trailer")].split(b"\n")
    assert table[0] == b"xref" and len(table) == 10
    for head, entry in zip(table[1:-1:2], table[2:-1:2], strict=True):
        assert pdf[int(entry[:10]) :].startswith(head.split()[0] + b" 0 obj\n")


def test_our_own_check_knows_the_pages_and_that_nothing_is_behind_them(pdf: bytes) -> None:
    pdf_signature.check(pdf, PUBLIC)
    end = pdf.rindex(b"%%EOF")
    changed = [
        pdf + b"\n",
        pdf[:end] + b"1 0 obj\n<<>>\nendobj\n" + pdf[end:],
        pdf.replace(b"/Rect [0 0 0 0]", b"/Rect [0 0 9 9]"),
        pdf.replace(b"/Producer", b"/Broducer", 1),
        pdf[: pdf.rindex(b"%tyst")],
    ]
    for forged in changed:
        with pytest.raises(SignedError):
            pdf_signature.check(forged, PUBLIC)
    with pytest.raises(SignedError):
        pdf_signature.check(pdf, Ed25519PrivateKey.generate().public_key().public_bytes_raw())


@pytest.mark.parametrize("other", [b"", b"%PDF-1.7\n", b"trailer\n<<\n/Size 3\n>>\nstartxref\n9\n%%EOF\n"])
def test_what_we_did_not_make_is_not_signed(state: Path, other: bytes) -> None:
    with pytest.raises((SignedError, ValueError)):
        pdf_signature.signed(other, *transparency.answers_pair(state))


def test_a_missing_key_is_said(tmp_path: Path) -> None:
    with pytest.raises(transparency.TransparencyError, match=r"answers\.key"):
        transparency.answers_pair(tmp_path)
