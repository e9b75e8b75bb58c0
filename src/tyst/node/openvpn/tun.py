"""The persistent tun device of one OpenVPN process: made by the agent, used by an unprivileged process.

Persistent, so that the process needs no right to make, address or route anything, and so that the firewall knows the
name before the first packet. The routes say which of our prefixes lies behind which device. Removed at stop.
"""

import fcntl
import os
import struct

from tyst.core.openvpn.server import Range
from tyst.node.drivers.process import run

_TUNSETIFF, _TUNSETPERSIST, _TUNSETOWNER = 0x400454CA, 0x400454CB, 0x400454CC
_IFF_TUN, _IFF_NO_PI = 0x0001, 0x1000
QUEUE_PACKETS = 1000


async def make(span: Range, owner: int) -> None:
    """Makes the device for the process that runs as user `owner`, with gateway addresses, up.

    Raises OSError or ProgramError on failure.
    """
    _persist(span.device, owner)
    _no_automatic_address(span.device)
    # nodad, or the address counts for nothing for a second while duplicates are looked for.
    await run(
        ["ip", "-batch", "-"],
        given=f"link set {span.device} mtu 1500 txqueuelen {QUEUE_PACKETS} up\n"
        f"addr replace {span.gateway4}/{span.net4.prefixlen} dev {span.device}\n"
        f"addr replace {span.gateway6}/{span.net6.prefixlen} dev {span.device} nodad\n",
    )


async def remove(span: Range) -> None:
    """Takes the device away; its routes and addresses go with it. Nothing happens when it isn't there."""
    await run(["ip", "link", "del", span.device], ok_to_fail=True)


def _persist(name: str, owner: int) -> None:
    handle = os.open("/dev/net/tun", os.O_RDWR | os.O_CLOEXEC)
    try:
        fcntl.ioctl(handle, _TUNSETIFF, struct.pack("16sH22x", name.encode("ascii"), _IFF_TUN | _IFF_NO_PI))
        fcntl.ioctl(handle, _TUNSETOWNER, owner)
        fcntl.ioctl(handle, _TUNSETPERSIST, 1)
    finally:
        os.close(handle)


def _no_automatic_address(name: str) -> None:
    """No link-local address of the kernel's own choice: nothing but the gateway answers on this device."""
    with open(f"/proc/sys/net/ipv6/conf/{name}/addr_gen_mode", "w") as setting:
        setting.write("1")
