"""The node's identity: in RAM or not at all, whole or not at all, renewed in time."""

import datetime
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from tyst.messages.codec import encode
from tyst.messages.fleet import NodeSecrets
from tyst.node import identity
from tyst.node.identity import Identity, IdentityError

NOON = datetime.datetime(2030, 1, 1, 12, tzinfo=datetime.UTC)
SECRETS = NodeSecrets(b"w" * 32, b"k" * 100)


@pytest.fixture
def ram() -> Iterator[Path]:
    folder = Path("/dev/shm") / f"tyst-test-{os.getpid()}"
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def certificate(folder: Path, hours: int = 24) -> None:
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([])
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(7)
        .not_valid_before(NOON).not_valid_after(NOON + datetime.timedelta(hours=hours)).sign(key, SHA256())
    )  # fmt: skip
    (folder / "node.crt").write_bytes(made.public_bytes(Encoding.PEM))


def test_a_folder_that_is_not_in_ram_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(identity, "_filesystem", lambda folder: "ext4")
    with pytest.raises(IdentityError, match="RAM"):
        identity.resume(tmp_path / "state")


def test_the_kind_of_file_system_is_read_from_the_deepest_mount() -> None:
    assert identity._filesystem(Path("/proc/self")) == "proc"
    assert identity._filesystem(Path("/dev/shm")) == "tmpfs"


def test_a_node_that_never_enrolled_resumes_as_nobody_in_a_folder_for_root_alone(ram: Path) -> None:
    assert identity.resume(ram) is None
    assert ram.stat().st_mode & 0o777 == 0o700


def test_a_restarted_agent_goes_on_with_what_lies_in_ram(ram: Path) -> None:
    identity.resume(ram)
    identity._write(ram / "place", encode(identity._Place("se-sto", "https://gate.tyst.test:8443")))
    identity._write(ram / "secrets", encode(SECRETS))
    assert identity.resume(ram) is None, "not without a certificate"
    certificate(ram)
    found = identity.resume(ram)
    assert found is not None and (found.name, found.secrets) == ("se-sto", SECRETS)
    assert (ram / "secrets").stat().st_mode & 0o777 == 0o600
    assert "wwww" not in repr(found) and "kkkk" not in repr(found)


def test_a_damaged_state_is_no_identity(ram: Path) -> None:
    identity.resume(ram)
    certificate(ram)
    identity._write(ram / "place", b"\xc1")
    identity._write(ram / "secrets", encode(SECRETS))
    assert identity.resume(ram) is None


@pytest.mark.parametrize(("hours", "left"), [(0, 12), (11, 1), (12, 0), (30, 0)])
def test_the_certificate_is_renewed_at_half_its_life(ram: Path, hours: int, left: int) -> None:
    identity.resume(ram)
    certificate(ram)
    who = Identity("se-sto", "https://gate", ram, SECRETS)
    assert who.half_life((NOON + datetime.timedelta(hours=hours)).timestamp()) == left * 3600


@pytest.mark.parametrize("text", ["", "x", "////", "a" * 400])
async def test_what_is_no_token_is_refused_in_words(ram: Path, text: str) -> None:
    with pytest.raises(IdentityError, match="fleet add"):
        await identity.enrol(ram, text, lambda: 0.0)
