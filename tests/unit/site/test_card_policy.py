"""The card page's relaxed policy: what it may name, and that no other page has it."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from tests.unit.site.conftest import Site
from tyst.payments.braintree import fields
from tyst.payments.config import ConfigError

SITE = Path(__file__).resolve().parents[3] / "src/tyst/site"


def _addresses() -> list[str]:
    """Every page's address that takes no part of it from elsewhere."""
    from tyst.site import urls

    return [str(one.pattern) for one in urls._PAGES if "<" not in str(one.pattern)]


def _policy(allow: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    from django.http import HttpResponse

    from tyst.site import middleware

    answer = middleware.headers(lambda _: middleware.relaxed(HttpResponse(), allow))(_Plain())  # type: ignore[arg-type]
    return {name: sources for name, *sources in map(str.split, answer["Content-Security-Policy"].split(";"))}


class _Plain:
    def is_secure(self) -> bool:
        return False


def test_no_page_but_the_card_page_loads_anything_from_elsewhere(site: Site) -> None:
    from tyst.site.middleware import POLICY

    assert "http" not in POLICY
    for person in (site.person(), site.subscriber()):
        for address in _addresses():
            assert person.get(f"/en/{address}").header("content-security-policy") == POLICY, address


def test_one_module_alone_relaxes_the_policy() -> None:
    users = {path.name for path in SITE.rglob("*.py") if re.search(r"\brelaxed\(", path.read_text("utf-8"))}
    assert users == {"middleware.py", "checkout.py"}


@pytest.mark.parametrize("environment", ["production", "sandbox"])
def test_the_card_page_may_load_braintrees_hosts_and_no_others(tables: Path, environment: str) -> None:
    _, page = fields.places(environment, three_d_secure=False)
    policy = _policy(page.allow)
    from_elsewhere = {name: [one for one in sources if "'" not in one] for name, sources in policy.items()}
    api = {
        "production": ["https://api.braintreegateway.com", "https://payments.braintree-api.com"],
        "sandbox": ["https://api.sandbox.braintreegateway.com", "https://payments.sandbox.braintree-api.com"],
    }
    assert from_elsewhere["script-src"] == ["https://js.braintreegateway.com", "https://assets.braintreegateway.com"]
    assert from_elsewhere["frame-src"] == ["https://assets.braintreegateway.com"]
    assert from_elsewhere["connect-src"] == api[environment]
    assert policy["default-src"] == ["'none'"] and policy["form-action"] == ["'self'"] and "style-src" in policy
    assert page.scripts.startswith("https://js.braintreegateway.com/web/")


def test_under_3_d_secure_frames_are_open_to_the_buyers_bank_and_scripts_are_not(tables: Path) -> None:
    policy = _policy(fields.places("production", three_d_secure=True)[1].allow)
    assert "https:" in policy["frame-src"]
    assert "https:" not in policy["script-src"] + policy["connect-src"] + policy["img-src"]


@pytest.mark.parametrize(
    "allow",
    [
        {"default-src": ("https://a.test",)},
        {"form-action": ("https://a.test",)},
        {"script-src": ("https:",)},
        {"script-src": ("*",)},
        {"script-src": ("'unsafe-inline'",)},
        {"script-src": ("http://a.test",)},
        {"script-src": ("https://a.test; style-src *",)},
        {"script-src": ("https://a.test/path",)},
        {"connect-src": ("data:",)},
        {"script-src": ("https://a.test",)},
        {"script-src": ("https://api.braintreegateway.com",)},
        {"frame-src": ("https://a.test",)},
        {"img-src": ("https:",)},
    ],
)
def test_nothing_but_named_hosts_can_be_let_in(tables: Path, allow: dict[str, tuple[str, ...]]) -> None:
    with pytest.raises(ValueError, match="named hosts"):
        _policy(allow)


def test_an_answer_that_names_no_environment_is_refused() -> None:
    for answer in (
        "",
        "Production",
        "https://evil.test http://localhost:1 /x",
        "https://localhost:1 http://evil.test /x",
    ):
        with pytest.raises(ConfigError):
            fields.places(answer, three_d_secure=False)
