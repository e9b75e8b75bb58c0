"""Fakes of the three ways out, over TLS on loopback, and Django's mail classes ready."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.django_once import database_path
from tyst.lab.ca import Authority
from tyst.lab.shop.mailgun import FakeMailgun
from tyst.lab.shop.postmark import FakePostmark
from tyst.lab.shop.smtp import FakeSmtp


@pytest.fixture(autouse=True)
def django() -> None:
    """Settings, of which mail uses the character set alone."""
    database_path()


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture
def mailgun(tmp_path: Path, authority: Authority) -> Iterator[FakeMailgun]:
    fake = FakeMailgun(tmp_path / "mailgun", authority)
    yield fake
    fake.close()


@pytest.fixture
def postmark(tmp_path: Path, authority: Authority) -> Iterator[FakePostmark]:
    fake = FakePostmark(tmp_path / "postmark", authority)
    yield fake
    fake.close()


@pytest.fixture(params=["starttls", "tls"])
def smtp(request: pytest.FixtureRequest, tmp_path: Path, authority: Authority) -> Iterator[FakeSmtp]:
    fake = FakeSmtp(tmp_path / "smtp", authority, implicit=request.param == "tls")
    yield fake
    fake.close()


@pytest.fixture
def plain(tmp_path: Path, authority: Authority) -> Iterator[FakeSmtp]:
    """The server with STARTTLS."""
    fake = FakeSmtp(tmp_path / "plain", authority)
    yield fake
    fake.close()
