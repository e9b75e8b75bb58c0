"""Has a host's packet work done in a kernel thread of its own, so that its CPU time can be told: runs on that host.

usage: python -m tests.bench.own_time INTERFACE
Packets that come in by a virtual cable are otherwise worked on in whatever process happened to send them. With NAPI in
a thread (Documentation/networking/napi.rst), the interface's receive path, its rules included, has a name and a clock.
"""

import ctypes
import fcntl
import socket
import struct
import sys
from pathlib import Path

_SIOCETHTOOL, _ETHTOOL_SGRO = 0x8946, 0x2C


def main() -> int:
    """Switches GRO on, which makes a virtual cable use NAPI, and then NAPI's thread."""
    interface = sys.argv[1]
    value = ctypes.create_string_buffer(struct.pack("II", _ETHTOOL_SGRO, 1))
    request = struct.pack("16sP", interface.encode(), ctypes.addressof(value)) + bytes(16)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, _SIOCETHTOOL, request)
    Path(f"/sys/class/net/{interface}/threaded").write_text("1")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
