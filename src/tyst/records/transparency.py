"""The folder of what is published (`STATE/transparency`) and the keys that sign it. No Django, no person in it.

`keys.json` holds the public halves, for strangers to keep. `transparency.key` signs counters, months and answers to
courts; `canary.key` signs the canary and may be kept elsewhere; `answers.key`, with the certificate `answers.crt`,
signs the PDFs of answers as PDF readers know it. The site reads none of the keys. Counting locks the folder, so that
two requests at once are two. Nothing here reads a clock.
"""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from cryptography.x509.oid import NameOID

from tyst.core.court import Answer, Asked
from tyst.core.openness import canary, counters, traffic
from tyst.core.openness.canary import Canary
from tyst.core.openness.counters import Counters
from tyst.core.openness.report import CANARY, COUNTERS, Keys, Report, build, month_file
from tyst.core.signed import SignedError, canonical, opened, public_bytes, public_text, sealed
from tyst.records import statistics
from tyst.records.errors import RecordsError
from tyst.records.whole import write_whole

FOLDER, KEYS = "transparency", "keys.json"
COUNTERS_KEY, CANARY_KEY = "transparency.key", "canary.key"
ANSWERS_KEY, ANSWERS = "answers.key", "answers.crt"
_YEARS = timedelta(days=20 * 365)
_LATE = timedelta(days=2)


class TransparencyError(RecordsError):
    """Something about the published files that the operator can mend. One sentence."""


def found(state: Path, today: date) -> None:
    """Makes the keys and counters of zero. Refuses where there are some: counters never begin anew by themselves."""
    if any((state / name).exists() for name in (FOLDER, COUNTERS_KEY, CANARY_KEY, ANSWERS_KEY)):
        raise TransparencyError("there are counters or keys here already; they are not overwritten")
    first, second = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
    (state / FOLDER).mkdir(mode=0o700)
    write_whole(state / COUNTERS_KEY, first.private_bytes_raw())
    write_whole(state / CANARY_KEY, second.private_bytes_raw())
    halves = {"counters": public_text(_public(first)), "canary": public_text(_public(second))}
    write_whole(state / FOLDER / COUNTERS, sealed(counters.KIND, Counters(f"{today:%Y-%m}").body(), first))
    write_whole(state / FOLDER / KEYS, canonical(halves))
    _found_answers(state, today)


def _found_answers(state: Path, today: date) -> None:
    """A key for PDFs, and a certificate that is its own authority: where it is had from says whose it is."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Tyst answers")])
    begin = datetime.combine(today, time(), UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), begin, begin + _YEARS)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    certificate = builder.sign(key, hashes.SHA256())
    private = (Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    write_whole(state / ANSWERS_KEY, key.private_bytes(*private))
    write_whole(state / FOLDER / ANSWERS, certificate.public_bytes(Encoding.PEM))


def answers_pair(state: Path) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    """The key for PDFs and its certificate. TransparencyError."""
    try:
        key = load_pem_private_key((state / ANSWERS_KEY).read_bytes(), password=None)
        certificate = x509.load_pem_x509_certificate((state / FOLDER / ANSWERS).read_bytes())
    except (OSError, ValueError):
        raise TransparencyError(f"{ANSWERS_KEY} or {ANSWERS} can't be read: put them back from a backup") from None
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise TransparencyError(f"{ANSWERS_KEY} is no key of ours")
    return key, certificate


def signing_key(path: Path) -> Ed25519PrivateKey:
    """A private key from its file (32 bytes). TransparencyError."""
    try:
        return Ed25519PrivateKey.from_private_bytes(path.read_bytes())
    except FileNotFoundError:
        raise TransparencyError(
            f"there is no {path.name} here: is its name right, or is `./tyst transparency init` still to come?"
        ) from None
    except ValueError:
        raise TransparencyError(f"{path.name} is no key of ours") from None


def keys_of(folder: Path) -> Keys:
    """The public halves that lie beside the files. TransparencyError."""
    try:
        halves = json.loads((folder / KEYS).read_bytes())
        return Keys(public_bytes(halves["counters"]), public_bytes(halves["canary"]))
    except FileNotFoundError:
        raise TransparencyError(f"there is no {KEYS} in the folder of published files") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise TransparencyError(f"{KEYS} in the folder of published files can't be read") from None


def files(folder: Path) -> dict[str, bytes]:
    """The signed files by name: counters, canary, months. Empty where there is no folder."""
    names = sorted({COUNTERS, CANARY, *(path.name for path in folder.glob(month_file("20??-??")))})
    return {name: (folder / name).read_bytes() for name in names if (folder / name).is_file()}


def report(folder: Path) -> Report | None:
    """What the folder says; None where there is none that can be read."""
    try:
        return build(files(folder), keys_of(folder))
    except (TransparencyError, OSError):
        return None


def count(state: Path, asked: Asked, by: str, answer: Answer, today: date) -> Counters:
    """One request more, signed and on the disk before this returns. TransparencyError: then nothing was counted."""
    key = signing_key(state / COUNTERS_KEY)
    with _locked(state / FOLDER):
        after = current(state).with_one(f"{today:%Y-%m}", asked, by, answer)
        write_whole(state / FOLDER / COUNTERS, sealed(counters.KIND, after.body(), key))
    return after


def current(state: Path) -> Counters:
    """The counters as they are. TransparencyError when they are missing, or aren't what our key signed."""
    public = _public(signing_key(state / COUNTERS_KEY))
    try:
        return counters.read(opened((state / FOLDER / COUNTERS).read_bytes(), counters.KIND, public))
    except FileNotFoundError:
        raise TransparencyError("there are no counters here: put the last ones back from a backup") from None
    except SignedError as error:
        raise TransparencyError(f"the counters can't be used, put the last ones back from a backup: {error}") from None


def sing(state: Path, words: str, says: tuple[canary.Says, ...], days: tuple[date, date], key: Path) -> Canary:
    """Signs a canary for (day, until). TransparencyError when the key isn't the one that is published."""
    private = signing_key(key)
    if _public(private) != keys_of(state / FOLDER).canary:
        raise TransparencyError(f"this key is not the one in {KEYS}: strangers would call the canary dead")
    made = Canary(*days, current(state).number, says, words)
    write_whole(state / FOLDER / CANARY, sealed(canary.KIND, canary.read(made.body()).body(), private))
    return made


def sign_months(state: Path, today: date) -> list[str]:
    """Signs the months that are over and not signed yet, and forgets their heaps; their names.

    A month is over two days later, when the daily batch has written its last hours. Signed ones are never changed.
    """
    key, signed = signing_key(state / COUNTERS_KEY), []
    for month in statistics.months(state):
        path = state / FOLDER / month_file(month)
        if month < f"{today - _LATE:%Y-%m}" and not path.exists():
            body = traffic.month_body(month, statistics.of_month(state, month))
            write_whole(path, sealed(traffic.KIND, body, key))
            statistics.forget(state, month)
            signed.append(month)
    return signed


def _public(key: Ed25519PrivateKey) -> bytes:
    return key.public_key().public_bytes_raw()


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """One at a time, by a lock on the folder itself (flock(2))."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
