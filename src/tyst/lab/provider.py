"""The internet provider's resolver: Debian's unbound, finding everything from the lab's own root server.

It stands for the resolver that a VPN customer's questions must *not* reach. It asks from the addresses at which it
listens, so the authoritative server's witness (`services/zone.py`) names it by the address that customers know.
"""

from tyst.lab import topology

COMMAND = ("unbound", "-d", "-p", "-c", "/run/unbound.conf")


def unbound_configuration() -> str:
    """The text of unbound.conf(5): recursion for anybody, no log, no statistics, nothing on disk."""
    listen = (str(topology.ISP_RESOLVER_V4), str(topology.ISP_RESOLVER_V6))
    lines = [f"interface: {address}\noutgoing-interface: {address}" for address in listen]
    return "server:\n" + "\n".join(lines) + _REST


_REST = """
access-control: 0.0.0.0/0 allow
access-control: ::/0 allow
root-hints: "/run/root.hints"
module-config: "iterator"
local-zone: "test." nodefault
unblock-lan-zones: yes
directory: "/run"
chroot: ""
username: ""
pidfile: ""
use-syslog: no
logfile: ""
verbosity: 0
num-threads: 1
outgoing-range: 256
msg-cache-size: 1m
rrset-cache-size: 1m
remote-control:
control-enable: no
"""
