"""NetworkManager's import of both files: no warning, and every value arrives. OpenVPN is also brought up with it.

NetworkManager and a bus of its own run in her machine's namespaces, with everything of theirs in RAM. Its WireGuard is
the kernel's alone, which a lab's machine may not have; then that file's way ends at the import, and the line says so.
"""

import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from tyst.journey import pages
from tyst.journey.guest import PATIENCE, Guest
from tyst.journey.report import expect
from tyst.lab.host import Host
from tyst.lab.topology import NETWORKS, PLACES, is_exit
from tyst.lab.wait import wait_until

_BUS = """<busconfig><type>system</type><listen>unix:path=/run/dbus/system_bus_socket</listen><auth>EXTERNAL</auth>
<policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/>
</policy></busconfig>"""
_CONFIGURATION = """[main]
plugins=keyfile
dns=none
rc-manager=unmanaged
no-auto-default=*
auth-polkit=false
[keyfile]
path=/run/nm/connections
unmanaged-devices=interface-name:lo
[connectivity]
enabled=false
"""
_OPTIONS = {
    "--config": "nm.conf",
    "--config-dir": "conf",
    "--system-config-dir": "conf",
    "--intern-config": "intern",
    "--state-file": "state",
    "--pid-file": "pid",
}


@contextmanager
def running(host: Host) -> Iterator[None]:
    """NetworkManager on a host, until the block ends; what it was given is forgotten then."""
    host.run(["mkdir", "-p", "/run/dbus", "/run/nm/conf", "/run/nm/connections"])
    host.run(["sh", "-c", "cat > /run/dbus/lab.conf"], input=_BUS)
    host.run(["sh", "-c", "cat > /run/nm/nm.conf"], input=_CONFIGURATION)
    options = [word for option, name in _OPTIONS.items() for word in (option, f"/run/nm/{name}")]
    with ExitStack() as stack:
        for words in (
            ["dbus-daemon", "--config-file=/run/dbus/lab.conf", "--nofork", "--nopidfile"],
            ["NetworkManager", "--no-daemon", *options],
        ):
            process = host.popen(words)
            stack.callback(process.wait, 15)
            stack.callback(process.terminate)
            wait_until(lambda: _serves(host, words[0]), within=PATIENCE, what=f"{words[0]} to serve")  # noqa: B023
        yield
    host.run(["rm", "-rf", "/run/nm", "/run/dbus"])


def _serves(host: Host, program: str) -> bool:
    if program == "dbus-daemon":
        return host.run(["test", "-S", "/run/dbus/system_bus_socket"], check=False).returncode == 0
    return host.run(["nmcli", "general", "status"], check=False, timeout=20).returncode == 0


def imports(guest: Guest, protocol: str) -> str:
    """`nmcli connection import`: no warning, and the connection has all values of the file."""
    host = guest.person.host
    kind, name = ("wireguard", "se-sto.conf") if protocol == "WireGuard" else ("openvpn", "se-sto-udp.ovpn")
    text = guest.files["se-sto"]
    if protocol == "OpenVPN":
        text = pages.file(guest.cast.browser(guest.who), "/en/account/openvpn/se-sto-udp.ovpn")
    guest.person.write(f"/run/{name}", text)
    with running(host):
        done = host.run(["nmcli", "connection", "import", "type", kind, "file", f"/run/{name}"], check=False)
        expect(done.returncode == 0, f"nmcli refused the file: {done.stderr.strip()}")
        expect(not done.stderr, f"nmcli warned: {done.stderr.strip()}")
        held = host.run(["sh", "-c", "cat /run/nm/connections/*"]).stdout
        missing = [value for value in _values(protocol, text) if value not in held]
        expect(not missing, f"NetworkManager lost {missing}")
        return _up(guest) if protocol == "OpenVPN" else "imported without a warning, every value there"


def _values(protocol: str, text: str) -> list[str]:
    """What must be found again in NetworkManager's connection."""
    if protocol == "OpenVPN":
        remote = re.search(r"^remote (\S+) (\d+) (\w+)", text, re.MULTILINE)
        assert remote
        wanted = [remote.group(1), remote.group(2), "remote-cert-tls=server", "tls-crypt=", "ca=", "verify-x509-name="]
        return [*wanted, "connection-type=password"]
    lines = dict(line.split(" = ", 1) for line in text.splitlines() if " = " in line)
    values = [lines["PrivateKey"], lines["PublicKey"], f"endpoint={lines['Endpoint']}", f"mtu={lines['MTU']}"]
    return [*values, "allowed-ips=0.0.0.0/0;::/0", *lines["Address"].split(", "), *lines["DNS"].split(", ")]


def _at_home(host: Host) -> None:
    """Her own network as NetworkManager's connection, with the addresses that it has already: a VPN needs one below."""
    place, network = PLACES[host.name], NETWORKS["access"]
    words = ["nmcli", "connection", "add", "type", "ethernet", "ifname", "eth0", "con-name", "home"]
    four = ["ipv4.method", "manual", "ipv4.addresses", f"{place.ipv4}/24", "ipv4.gateway", str(network.address4(1))]
    six = ["ipv6.method", "manual", "ipv6.addresses", f"{place.ipv6}/64", "ipv6.gateway", str(network.address6(1))]
    host.run([*words, *four, *six])
    host.run(["nmcli", "device", "set", "eth0", "managed", "yes"])
    host.run(["nmcli", "--wait", "30", "connection", "up", "home"], timeout=60)


def _up(guest: Guest) -> str:
    """The imported OpenVPN connection comes up with her credential, and she is seen at the exit."""
    host, (username, password) = guest.person.host, guest.credential
    _at_home(host)
    host.run(["nmcli", "connection", "modify", "se-sto-udp", "+vpn.data", f"username={username}"])
    guest.person.write("/run/nm/secret", f"vpn.secrets.password:{password}\n")
    words = ["nmcli", "--wait", "60", "connection", "up", "se-sto-udp", "passwd-file", "/run/nm/secret"]
    done = host.run(words, check=False, timeout=90)
    expect(done.returncode == 0, f"nmcli did not bring it up: {done.stderr.strip()}")
    try:
        wait_until(lambda: is_exit("se-sto", guest.person.address()), within=PATIENCE, what="the exit's address")
    finally:
        host.run(["nmcli", "connection", "down", "se-sto-udp"], check=False, timeout=60)
    return "imported without a warning, every value there, brought up"
