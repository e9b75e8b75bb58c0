"""Row 26: what limits tries is no log of who tried: hashes under a key that lives ten minutes, in memory alone."""

import gc
import os
from pathlib import Path

import pytest

from tests.unit.site.conftest import Site
from tyst.core.transient import Transient
from tyst.site import limits
from tyst.site.limits import Bucket, address_of, prefix_of

ADDRESSES = ("192.0.2.77", "2001:db8:46:5::77")


def naive() -> dict[str, int]:
    """The planted fault: a counter by address, as limiters usually are."""
    return dict.fromkeys(ADDRESSES, 3)


def holds(content: str, address: str) -> bool:
    raw = prefix_of(address_of(address))
    return address in content or raw.hex() in content or repr(raw)[2:-1] in content


def test_the_usual_limiter_would_be_found() -> None:
    assert all(holds(repr(naive()), address) for address in ADDRESSES)


def test_a_bucket_holds_neither_address_nor_account_and_forgets_its_key(site: Site) -> None:
    bucket = Bucket(3, 600, site.clock, os.urandom)
    handle = b"alices handle 16"
    for name in (*(prefix_of(address_of(address)) for address in ADDRESSES), handle):
        for _ in range(3):
            bucket.take(name)
        assert bucket.spent(name)
    content = repr(vars(bucket))
    assert not any(holds(content, address) for address in ADDRESSES) and repr(handle)[2:-1] not in content
    key, counts = bucket._key, dict(bucket._counts)
    site.clock.forward(minutes=11)
    assert not bucket.spent(handle)
    assert bucket._key != key and not set(counts) & set(bucket._counts), "what was counted can't be matched any more"


def test_every_limit_of_the_site_is_such_a_bucket_and_none_outlives_a_day(site: Site) -> None:
    found = vars(site.services.limits)
    assert {type(one) for one in found.values()} == {Bucket}
    assert {name: one._seconds for name, one in found.items() if one._seconds > 3600} == {"keys": 86400}
    by_address = {name for name in ("signups", "signins", "letters") if found[name]._seconds <= 600}
    assert by_address == {"signups", "signins", "letters"}, "those that see an address forget it within ten minutes"


def test_an_address_is_counted_by_its_street_and_printed_by_nobody() -> None:
    one, other = (prefix_of(address_of(f"192.0.2.{last}")) for last in (1, 254))
    assert one == other != prefix_of(address_of("192.0.3.1"))
    assert "192" not in repr(address_of("192.0.2.1")) and isinstance(address_of("192.0.2.1"), Transient)


@pytest.mark.parametrize("path", ["/en/signin", "/en/signup", "/en/recover", "/en/your-data", "/en/recover/mail"])
def test_a_limited_visitor_leaves_her_address_in_no_file_and_no_bucket(site: Site, path: str, tmp_path: Path) -> None:
    mallory = site.person("192.0.2.77")
    for _ in range(4):
        mallory.post(path, {"username": "x", "password": "y", "code": "z", "email": "a@b.se"})
    gc.collect()
    content = repr([vars(one) for one in vars(site.services.limits).values()])
    assert not holds(content, "192.0.2.77")
    assert not [one for one in tmp_path.rglob("*") if one.is_file() and b"192.0.2" in one.read_bytes()]
    assert isinstance(site.services.limits, limits.Limits)
