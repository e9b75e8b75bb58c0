"""A WireGuard config as text: what stock clients take, and what the browser writes."""

import json
import re
import subprocess
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Interface, IPv6Address, IPv6Interface
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tyst.core.wireguard.config import (
    Config,
    ConfigError,
    endpoint_text,
    from_text,
    key_bytes,
    key_text,
    linux_text,
    to_text,
)

ROOT = Path(__file__).resolve().parents[4]
keys = st.binary(min_size=32, max_size=32)
configs = st.builds(
    Config,
    name=st.from_regex(r"[a-z][a-z0-9-]{0,14}", fullmatch=True),
    private_key=keys,
    address4=st.builds(lambda n: IPv4Interface((n, 32)), st.integers(0, 2**32 - 1)),
    address6=st.builds(lambda n: IPv6Interface((n, 128)), st.integers(0, 2**128 - 1)),
    node_key=keys,
    endpoint=st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)),
    port=st.integers(1, 65535),
    preshared=st.one_of(st.just(b""), keys),
)
ALICES = Config(
    "se-sto",
    bytes(range(32)),
    IPv4Interface("10.20.30.40/32"),
    IPv6Interface("fd74:7973:7400:1::9/128"),
    bytes(range(32, 64)),
    IPv4Address("192.0.2.10"),
    51820,
)


@given(configs)
def test_what_is_written_reads_back(config: Config) -> None:
    assert from_text(to_text(config)) == config
    assert from_text(to_text(config).replace(" = ", "=").replace("\n", "\r\n")) == config


def test_only_the_portable_keys_stand_in_it() -> None:
    lines = to_text(ALICES).splitlines()
    names = [line.split(" = ")[0] for line in lines if " = " in line]
    assert names == ["PrivateKey", "Address", "DNS", "MTU", "PublicKey", "AllowedIPs", "Endpoint"]
    assert "AllowedIPs = 0.0.0.0/0, ::/0" in lines and "Address = 10.20.30.40/32, fd74:7973:7400:1::9/128" in lines
    assert all(line.startswith("#") or "#" not in line for line in lines)
    assert not any(line.startswith("PersistentKeepalive") for line in lines)


def test_a_preshared_key_is_the_one_further_key() -> None:
    lines = to_text(replace(ALICES, preshared=bytes(range(64, 96)))).splitlines()
    assert [line for line in lines if line not in to_text(ALICES).splitlines()] == [
        f"PresharedKey = {key_text(bytes(range(64, 96)))}"
    ]
    with pytest.raises(ConfigError):
        replace(ALICES, preshared=b"short")
    assert str(list(range(64, 67)))[1:-1] not in repr(replace(ALICES, preshared=bytes(range(64, 96))))


@pytest.mark.parametrize("endpoint", [IPv4Address("192.0.2.10"), IPv6Address("2001:db8::10")])
def test_the_kill_switch_is_in_a_file_of_its_own_that_wg_quick_and_nft_take(
    tmp_path: Path, endpoint: IPv4Address | IPv6Address
) -> None:
    text = linux_text(replace(ALICES, endpoint=endpoint))
    (hook,) = re.findall(r"^PostUp = (.*)$", text, re.M)
    assert "PostUp" not in to_text(ALICES) and len(re.findall("^PreDown = ", text, re.M)) == 1
    with pytest.raises(ConfigError):
        from_text(text)
    path = tmp_path / "se-sto.conf"
    path.write_text(text)
    path.chmod(0o600)
    subprocess.run(["wg-quick", "strip", str(path)], capture_output=True, timeout=20, check=True)
    words = hook.replace("%i", "se-sto").replace("nft '", "nft --check '", 1)
    script = f"wg() {{ echo 0xca6c; }}; {words}"
    done = subprocess.run(
        ["unshare", "-n", "bash", "-c", script], capture_output=True, text=True, timeout=20, check=False
    )
    assert not done.stderr and done.returncode == 0


def test_wg_quick_takes_it(tmp_path: Path) -> None:
    path = tmp_path / "se-sto.conf"
    path.write_text(to_text(ALICES))
    path.chmod(0o600)
    done = subprocess.run(["wg-quick", "strip", str(path)], capture_output=True, text=True, timeout=20, check=True)
    assert "Endpoint = 192.0.2.10:51820" in done.stdout and not done.stderr
    assert "Address" not in done.stdout and "MTU" not in done.stdout


def test_wg_quick_refuses_a_longer_name_than_ours_may_be(tmp_path: Path) -> None:
    path = tmp_path / "a-name-too-long1.conf"
    path.write_text(to_text(ALICES))
    path.chmod(0o600)
    assert subprocess.run(["wg-quick", "strip", str(path)], capture_output=True, timeout=20).returncode != 0


@pytest.mark.parametrize(
    "harm",
    [
        lambda text: text.replace("MTU = 1420\n", ""),
        lambda text: text + "PostUp = touch /tmp/mallory\n",
        lambda text: text.replace("PublicKey", "PrivateKey"),
        lambda text: text.replace("/32, ", "/32\nAddress = "),
        lambda text: text.replace("10.20.30.40", "10.20.30"),
        lambda text: text.replace("# Tyst", "# "),
        lambda text: text.replace("=\n", "\n", 1),
    ],
)
def test_what_is_not_ours_is_refused_without_repeating_it(harm: object) -> None:
    assert callable(harm)
    with pytest.raises(ConfigError) as refusal:
        from_text(harm(to_text(ALICES)))
    assert key_text(ALICES.private_key)[:8] not in str(refusal.value)


@pytest.mark.parametrize("name", ["", "a" * 16, "se sto", "se/sto", "se\nsto"])
def test_a_name_that_no_interface_may_have_is_refused(name: str) -> None:
    with pytest.raises(ConfigError):
        Config(name, bytes(32), ALICES.address4, ALICES.address6, bytes(32), ALICES.endpoint, 1)


@pytest.mark.parametrize("text", ["", "abc", "A" * 43, "A" * 44, "é" * 44, key_text(bytes(31)), "B" * 43 + "="])
def test_a_malformed_key_is_refused(text: str) -> None:
    with pytest.raises(ConfigError):
        key_bytes(text)


def test_the_private_key_is_in_no_repr() -> None:
    assert "private" not in repr(ALICES) and "10.20" not in repr(ALICES)


@given(keys)
def test_keys_read_back(key: bytes) -> None:
    assert key_bytes(key_text(key)) == key


def test_an_ipv6_endpoint_stands_in_brackets() -> None:
    assert endpoint_text(IPv6Address("2001:db8::1"), 51820) == "[2001:db8::1]:51820"


SCRIPT = """
import {{ configText, linuxText }} from "{module}";
const [key, device, node, preshared, linux] = JSON.parse(process.argv[1]);
const text = configText(key, device, node, preshared);
process.stdout.write(linux ? linuxText(text, node.endpoint) : text);
"""


@pytest.mark.parametrize("linux", [False, True])
@pytest.mark.parametrize("endpoint", [IPv4Address("192.0.2.10"), IPv6Address("2001:db8::10")])
@pytest.mark.parametrize("preshared", [b"", bytes(range(64, 96))])
def test_the_browsers_builder_writes_the_same_bytes(
    tmp_path: Path, preshared: bytes, endpoint: IPv4Address | IPv6Address, linux: bool
) -> None:
    config = replace(ALICES, preshared=preshared, endpoint=endpoint)
    module = tmp_path / "config.mjs"
    source = ROOT / "src/tyst/site/frontend/config.ts"
    command = [str(ROOT / "node_modules/.bin/esbuild"), str(source), "--format=esm", f"--outfile={module}"]
    subprocess.run([*command, "--log-level=error"], check=True, timeout=30)
    device = {
        "address": f"{ALICES.address4}, {ALICES.address6}",
        "dns": "fd74:7973:7400::1, 10.0.0.1",
        "mtu": 1420,
        "allowed": "0.0.0.0/0, ::/0",
    }
    node = {"name": "se-sto", "key": key_text(ALICES.node_key), "endpoint": endpoint_text(endpoint, 51820)}
    secret = key_text(preshared) if preshared else ""
    words = json.dumps([key_text(ALICES.private_key), device, node, secret, linux])
    program = ["node", "--input-type=module", "-e", SCRIPT.format(module=module), words]
    made = subprocess.run(program, capture_output=True, timeout=30, check=True).stdout
    assert made == (linux_text if linux else to_text)(config).encode()
