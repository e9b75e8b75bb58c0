"""Signs a PDF so that PDF readers show it: an incremental update with a detached CMS signature (ISO 32000-1, 12.8).

The pages come from `answer_pdf.py` and end with the Ed25519 stamp of `core.signed`; what is added behind is nothing but
the signature's own objects, and its bytes follow from the pages, so that `check` can tell whether anything else was
added. It reads PDFs that fpdf2 wrote and no others (one xref table, a trailer with /Size and /Root). No time is signed.
"""

import re

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.hazmat.primitives.serialization.pkcs7 import PKCS7Options, PKCS7SignatureBuilder

from tyst.core.signed import STAMP, SignedError, check_stamp

_ROOM = 4096
"""Bytes for the CMS message; it takes some 1,000."""
_OPTIONS = [PKCS7Options.DetachedSignature, PKCS7Options.Binary, PKCS7Options.NoAttributes]
_CONTENTS = re.compile(rb"(?<=/Contents <)[0-9a-f]{%d}(?=>)" % (2 * _ROOM))


def signed(base: bytes, key: EllipticCurvePrivateKey, certificate: x509.Certificate) -> bytes:
    """The PDF with a signature over all of it."""
    whole = base + _update(base)
    start, end = _hole(whole)
    builder = PKCS7SignatureBuilder().set_data(whole[:start] + whole[end:])
    message = builder.add_signer(certificate, key, hashes.SHA256()).sign(Encoding.DER, _OPTIONS)
    return whole[: start + 1] + message.hex().encode().ljust(2 * _ROOM, b"0") + whole[end - 1 :]


def check(pdf: bytes, public: bytes) -> None:
    """Whether the pages are what our Ed25519 key (32 bytes) stamped, and nothing but a signature is behind them.

    SignedError otherwise. The certificate is the PDF reader's to judge.
    """
    at = pdf.rfind(STAMP)
    end = pdf.find(b"\n", at) + 1
    base, rest = pdf[:end], pdf[end:]
    check_stamp(base, public)
    if rest and _CONTENTS.sub(b"0" * 2 * _ROOM, rest, count=1) != _update(base):
        raise SignedError("something was added behind the signed pages")


def _update(base: bytes) -> bytes:
    """What is put behind the base, with zeros where the signature will be."""
    trailer = base[base.rindex(b"trailer") :]
    size, root, before = (_number(word, trailer) for word in (rb"/Size (\d+)", rb"/Root (\d+)", rb"startxref\s+(\d+)"))
    page = _number(rb"/Kids \[(\d+)", base)
    objects = {
        root: _with(base, root, b"/AcroForm <</Fields [%d 0 R] /SigFlags 3>>" % size),
        page: _with(base, page, b"/Annots [%d 0 R]" % size),
        size: b"/Type /Annot\n/Subtype /Widget\n/FT /Sig\n/F 132\n/Rect [0 0 0 0]\n/T (Tyst)\n/P %d 0 R\n/V %d 0 R"
        % (page, size + 1),
        size + 1: b"/Type /Sig\n/Filter /Adobe.PPKLite\n/SubFilter /adbe.pkcs7.detached\n"
        b"/ByteRange [0 %s %s %s]\n/Contents <%s>" % (*[b"0" * 10] * 3, b"0" * 2 * _ROOM),
    }
    body, table = b"", [b"xref\n"]
    for number, entries in sorted(objects.items()):
        table.append(b"%d 1\n%010d 00000 n \n" % (number, len(base) + len(body)))
        body += b"%d 0 obj\n<<\n%s\n>>\nendobj\n" % (number, entries)
    end = b"trailer\n<<\n/Size %d\n/Root %d 0 R\n/Prev %d\n>>\n" % (size + 2, root, before)
    whole = body + b"".join(table) + end + b"startxref\n%d\n%%%%EOF\n" % (len(base) + len(body))
    return _ranged(base, whole)


def _ranged(base: bytes, update: bytes) -> bytes:
    """The update with the signature's ByteRange filled in."""
    start, end = _hole(base + update)
    places = (start, end, len(base) + len(update) - end)
    blank = b"/ByteRange [0 %s %s %s]" % (*[b"0" * 10] * 3,)
    return update.replace(blank, b"/ByteRange [0 %010d %010d %010d]" % places, 1)


def _hole(whole: bytes) -> tuple[int, int]:
    """Where the signature stands, its angle brackets included."""
    found = list(_CONTENTS.finditer(whole))
    if len(found) != 1:
        raise SignedError("this PDF has no place for a signature, or more than one")
    return found[0].start() - 1, found[0].end() + 1


def _with(base: bytes, number: int, more: bytes) -> bytes:
    """The entries of an object of the base, and one more."""
    found = re.search(rb"(?:^|\n)%d 0 obj\n<<\n(.*?)\n>>\nendobj" % number, base, re.DOTALL)
    if found is None:
        raise SignedError("this PDF is not of our own making")
    return found[1] + b"\n" + more


def _number(pattern: bytes, text: bytes) -> int:
    found = re.search(pattern, text)
    if found is None:
        raise SignedError("this PDF is not of our own making")
    return int(found[1])
