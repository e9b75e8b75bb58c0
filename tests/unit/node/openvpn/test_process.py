"""The management socket: one connection, from the process that we started, and from nobody else."""

import asyncio
import os
import socket
import stat
import subprocess
import sys
from pathlib import Path

from tyst.node.openvpn.process import _accept, _listening, peer_of

_CONNECT = "import socket, sys; s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); print(s.recv(9))"


async def test_mallory_is_hung_up_on_and_the_process_is_heard(tmp_path: Path) -> None:
    path = tmp_path / "s"
    with _listening(path, os.getuid()) as listener:
        mallory = socket.socket(socket.AF_UNIX)
        mallory.connect(str(path))
        mallory.sendall(b">CLIENT:ESTABLISHED,1\n>CLIENT:ENV,END\n")
        openvpn = await asyncio.create_subprocess_exec(
            sys.executable, "-I", "-c", _CONNECT, str(path), stdout=subprocess.PIPE
        )
        connection = await asyncio.wait_for(_accept(listener, openvpn.pid), 10)
        assert peer_of(connection) == openvpn.pid != os.getpid()
        connection.sendall(b"hello")
        assert (await openvpn.communicate())[0].strip() == b"b'hello'"
        mallory.settimeout(5)
        assert hung_up(mallory)
        mallory.close()
        connection.close()


def hung_up(connection: socket.socket) -> bool:
    try:
        return connection.recv(1) == b""
    except ConnectionResetError:
        return True


async def test_the_socket_is_one_users_alone_and_has_no_name_afterwards(tmp_path: Path) -> None:
    path = tmp_path / "s"
    path.write_text("left over")
    with _listening(path, os.getuid()):
        now = path.stat()
        assert stat.S_ISSOCK(now.st_mode)
        assert stat.S_IMODE(now.st_mode) == 0o600
    assert not path.exists()
