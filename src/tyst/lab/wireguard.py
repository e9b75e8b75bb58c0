"""What `wg show` says of a host's WireGuard device, also while the node is just replacing the daemon behind it.

A node replaces wireguard-go when its last tunnel has gone (`node/refresh.py`); for a tenth of a second there is no
device, and wg(8) ends with an error that says nothing about peers.
"""

from tyst.lab.host import CommandFailed, Host
from tyst.lab.wait import wait_until

REPLACED_WITHIN = 5.0


def wg_show(host: Host, what: str, interface: str = "wg-tyst") -> str:
    """The answer to `wg show <interface> <what>`; `NotInTime` when there is no device for longer than a replacement."""
    said: list[str] = []

    def asked() -> bool:
        try:
            said.append(host.run(["wg", "show", interface, what]).stdout)
        except CommandFailed:
            return False
        return said[-1].strip() != "(none)"  # a new daemon that has no key yet

    wait_until(asked, within=REPLACED_WITHIN, every=0.05, what=f"{interface} on {host.name}")
    return said[-1]
