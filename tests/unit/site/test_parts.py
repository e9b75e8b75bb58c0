"""The site's parts by themselves: limits, countries, passwords, assets, the deny-set, the command."""

import argparse
import time
from ipaddress import ip_address
from pathlib import Path

import pytest

from tests.unit.site.person import Clock
from tyst.core.transient import Transient
from tyst.site import assets, command, limits, server, wiring
from tyst.site.geo import DEFAULT_FILES, TableSource, from_files
from tyst.site.limits import Bucket, address_of, prefix_of
from tyst.site.passwords import Passwords
from tyst.site.sessions import Denied


def test_a_bucket_forgets_everything_with_its_window() -> None:
    clock, drawn = Clock(), [bytes([n]) * 32 for n in range(9, 0, -1)]
    bucket = Bucket(2, 600, clock, lambda n: drawn.pop())
    assert [bucket.take(b"alice") for _ in range(3)] == [True, True, False]
    assert bucket.spent(b"alice") and not bucket.spent(b"bob") and bucket.take(b"bob")
    clock.forward(seconds=600)
    assert bucket.take(b"alice") and len(bucket._counts) == 1
    assert len(drawn) == 7, "each window has its own key"


def test_what_is_limited_cannot_be_read_from_the_counters() -> None:
    bucket = Bucket(2, 600, Clock(), lambda n: bytes(n))
    bucket.take(b"203.0.113.0")
    assert b"203.0.113.0" not in repr(vars(bucket)).encode()


def test_a_flood_of_names_takes_bounded_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "_MOST", 50)
    bucket = Bucket(3, 600, Clock(), lambda n: bytes(n))
    for number in range(500):
        bucket.take(number.to_bytes(4))
    assert len(bucket._counts) <= 51
    assert not bucket.take(b"one more"), "beyond the bound all share one count, which is spent"


def test_addresses_count_by_street() -> None:
    assert prefix_of(address_of("203.0.113.9")) == prefix_of(address_of("::ffff:203.0.113.200"))
    assert prefix_of(address_of("203.0.113.9")) != prefix_of(address_of("203.0.114.9"))
    assert prefix_of(address_of("2001:db8:1:ff::1")) == prefix_of(address_of("2001:db8:1:0:5::9"))
    assert prefix_of(address_of("2001:db8:1:100::1")) != prefix_of(address_of("2001:db8:1:0::1"))
    assert prefix_of(address_of("fe80::1%eth0")) == prefix_of(address_of("fe80::2"))
    assert prefix_of(address_of("garbage")) == prefix_of(address_of("1.2.3.256")) == bytes(17)
    assert "203" not in repr(address_of("203.0.113.9"))


TABLE = [
    "# comment",
    "16777216,16777471,AU",
    "16777472,16778239,CN",
    "33554432,33554687,??",
    "2001:db8::,2001:db8::ffff,NO",
]


@pytest.mark.parametrize(
    ("address", "country"),
    [
        ("1.0.0.0", "au"),
        ("1.0.0.255", "au"),
        ("1.0.1.0", "cn"),
        ("1.0.4.0", None),
        ("0.255.255.255", None),
        ("2.0.0.1", None),
        ("2001:db8::5", "no"),
        ("2001:db9::", None),
    ],
)
def test_an_address_has_the_country_of_its_range(address: str, country: str | None) -> None:
    assert TableSource(TABLE).country(Transient(ip_address(address))) == country


def test_without_a_table_every_country_is_unknown() -> None:
    assert from_files([Path("/nonexistent")]).country(address_of("1.0.0.0")) is None
    assert TableSource().country(address_of("garbage")) is None


def test_debians_tables_know_a_swedish_address() -> None:
    source = from_files(DEFAULT_FILES)
    assert source.country(address_of("192.36.148.17")) == "se", "i.root-servers.net, in Stockholm"
    assert source.country(address_of("2001:7fe::53")) in {"se", None}
    assert source.country(address_of("192.0.2.1")) is None


def test_passwords_check_and_unknown_names_cost_the_same() -> None:
    keeper = Passwords()
    stored = keeper.hash(Transient("a quiet passphrase"))
    assert stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert keeper.check(stored, Transient("a quiet passphrase")) and not keeper.check(stored, Transient("another"))
    assert not keeper.check(None, Transient("a quiet passphrase")) and not keeper.check("garbage", Transient("x"))

    def cost(who: str | None) -> float:
        start = time.process_time()
        keeper.check(who, Transient("wrong"))
        return time.process_time() - start

    known, unknown = sorted(cost(stored) for _ in range(9))[4], sorted(cost(None) for _ in range(9))[4]
    assert 0.5 < known / unknown < 2


def test_the_blocklist_has_what_everybody_tries() -> None:
    assert {"password123", "qwertyuiop", "12345678"} <= Passwords(memory_kib=64).common


def test_the_deny_set_forgets_what_has_expired() -> None:
    denied = Denied()
    denied.add(b"alices", 0)
    assert b"alices" in denied and b"bobs" not in denied
    denied.add(b"bobs", 92 * 86400)
    assert b"alices" not in denied and b"bobs" in denied


def test_an_unbuilt_front_end_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(assets.AssetsError, match="npm run build"):
        assets.load(tmp_path)


def _run(*words: str) -> int:
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    return command.run(parser.parse_args(words))


def test_the_command_says_what_is_missing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run("--state", str(tmp_path)) == 2
    assert "say where to listen" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["localhost", "127.0.0.1:", "127.0.0.1:http", ""])
def test_an_address_to_listen_on_has_a_port(text: str) -> None:
    with pytest.raises(ValueError, match=r"looks like 127\.0\.0\.1:8000"):
        command._address(text)
    assert command._address("[::]:443") == ("::", 443)


def test_the_doors_clock_is_aware() -> None:
    assert wiring.clock()().tzinfo is not None


def test_a_server_says_nothing_of_its_errors(capfd: pytest.CaptureFixture[str]) -> None:
    one = server.listener(("127.0.0.1", 0), None)
    one.error_log("alice's address", level=50, traceback=True)
    said = capfd.readouterr()
    assert said.out == said.err == ""
