"""The persistent tun device of one OpenVPN process: made by the agent, used by an unprivileged process.

Persistent, so that the process needs no right to make, address or route anything, and so that the firewall knows the
name before the first packet. The routes say which of our prefixes lies behind which device. Removed at stop.
"""

import fcntl
import os
import struct

from pyroute2 import AsyncIPRoute

from tyst.core.openvpn.server import Range

_TUNSETIFF, _TUNSETPERSIST, _TUNSETOWNER = 0x400454CA, 0x400454CB, 0x400454CC
_IFF_TUN, _IFF_NO_PI = 0x0001, 0x1000
_NODAD = 0x02
QUEUE_PACKETS = 1000


async def make(span: Range, owner: int) -> None:
    """Makes the device for the process that runs as user `owner`, with gateway addresses, up. OSError on failure."""
    _persist(span.device, owner)
    async with AsyncIPRoute() as ip:
        (index,) = await ip.link_lookup(ifname=span.device)
        _no_automatic_address(span.device)
        await ip.link("set", index=index, mtu=1500, txqlen=QUEUE_PACKETS, state="up")
        four, six = (str(span.gateway4), span.net4.prefixlen), (str(span.gateway6), span.net6.prefixlen)
        await ip.addr("replace", index=index, address=four[0], prefixlen=four[1])
        # nodad, or the address counts for nothing for a second while duplicates are looked for.
        await ip.addr("replace", index=index, address=six[0], prefixlen=six[1], flags=_NODAD)


async def remove(span: Range) -> None:
    """Takes the device away; its routes and addresses go with it. Nothing happens when it isn't there."""
    async with AsyncIPRoute() as ip:
        for index in await ip.link_lookup(ifname=span.device):
            await ip.link("del", index=index)


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
