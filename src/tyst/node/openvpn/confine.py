"""Becomes another program that can write nowhere: `confine.py AGENT USER CAPABILITIES SOCKET PROGRAM [ARGUMENT …]`.

A script of its own, run with `python -I` as root and replaced at once by the program: doing these steps in a fork of
the agent, between its threads, isn't safe. In this order: a mount namespace of its own, in which /dev/net holds two
things, the tun node (it is root's on some systems, everybody's on others) and `agent`, the agent's listening SOCKET (so
that its folder stays closed; SOCKET is empty for a program that needs neither); then every mount there is becomes
read-only, tmpfs and /proc too (mount_setattr(2), recursive); no core dumps, no file of any length; no groups, USER's
number as user and group; no capability but those named (such as `10`, CAP_NET_BIND_SERVICE); no way to gain any
(no_new_privs(2)); killed when the process AGENT dies (0: its parent, for the first process of a namespace).
Standard library only. It prints nothing and exits 70 when a step fails: an unconfined server must not run.
"""

import ctypes
import os
import resource
import stat
import sys

CLONE_NEWNS = 0x00020000
MS_NOSUID, MS_NOEXEC, MS_BIND, MS_REC, MS_PRIVATE = 0x2, 0x8, 0x1000, 0x4000, 0x40000
AT_FDCWD, AT_RECURSIVE = -100, 0x8000
SYS_MOUNT_SETATTR = 442
MOUNT_ATTR_RDONLY, MOUNT_ATTR_NOSUID = 0x1, 0x2
PR_SET_PDEATHSIG, PR_SET_KEEPCAPS, PR_CAPBSET_DROP = 1, 8, 24
PR_SET_NO_NEW_PRIVS, PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE = 38, 47, 2
CAPABILITY_VERSION_3 = 0x20080522
LAST_CAPABILITY = 63
OPEN_FILES = 8192
FAILED = 70

_libc = ctypes.CDLL(None, use_errno=True)


class _Attributes(ctypes.Structure):
    """struct mount_attr of mount_setattr(2)."""

    _fields_ = [(name, ctypes.c_uint64) for name in ("attr_set", "attr_clr", "propagation", "userns_fd")]


class _Header(ctypes.Structure):
    """struct __user_cap_header_struct of capset(2)."""

    _fields_ = [("version", ctypes.c_uint32), ("pid", ctypes.c_int)]


class _Sets(ctypes.Structure):
    """struct __user_cap_data_struct of capset(2)."""

    _fields_ = [(name, ctypes.c_uint32) for name in ("effective", "permitted", "inheritable")]


def _must(result: int) -> None:
    if result != 0:
        raise OSError(ctypes.get_errno(), "a step of the confinement failed")


def read_only_world(user: int, socket: str) -> None:
    """A mount namespace of our own, in which nothing that is mounted can be written, and nothing new arrives."""
    _must(_libc.unshare(CLONE_NEWNS))
    _must(_libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None))
    if socket:
        _own_nodes(user, socket)
    attributes = _Attributes(MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID, 0, MS_PRIVATE, 0)
    size = ctypes.c_size_t(ctypes.sizeof(attributes))
    _must(_libc.syscall(SYS_MOUNT_SETATTR, AT_FDCWD, b"/", ctypes.c_uint(AT_RECURSIVE), ctypes.byref(attributes), size))


def _own_nodes(user: int, socket: str) -> None:
    """/dev/net with the tun node (character device 10, 200: Linux's devices.txt) and the agent's socket."""
    agent = os.open(socket, os.O_PATH | os.O_CLOEXEC)
    _must(_libc.mount(b"tmpfs", b"/dev/net", b"tmpfs", MS_NOSUID | MS_NOEXEC, b"size=4k,mode=0755"))
    # 0700: openvpn insists on a temporary folder that it may enter; the configuration names this, which is none.
    os.mknod("/dev/net/tun", stat.S_IFCHR | 0o700, os.makedev(10, 200))
    os.chown("/dev/net/tun", user, -1)
    os.mknod("/dev/net/agent", stat.S_IFREG | 0o600)
    _must(_libc.mount(f"/proc/self/fd/{agent}".encode(), b"/dev/net/agent", None, MS_BIND, None))
    os.close(agent)


def become(user: int, capabilities: frozenset[int]) -> None:
    """Another user with these capabilities at most, for good."""
    for number in set(range(LAST_CAPABILITY + 1)) - capabilities:
        _libc.prctl(PR_CAPBSET_DROP, number, 0, 0, 0)  # fails for numbers this kernel doesn't know
    _must(_libc.prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0))
    os.setgroups([])
    os.setresgid(user, user, user)
    os.setresuid(user, user, user)
    _only(capabilities)
    for number in capabilities:
        _must(_libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, number, 0, 0))
    _must(_libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))


def _only(capabilities: frozenset[int]) -> None:
    bits = sum(1 << number for number in capabilities)
    header = _Header(CAPABILITY_VERSION_3, 0)
    sets = (_Sets * 2)(*(_Sets(*[bits >> shift & 0xFFFFFFFF] * 3) for shift in (0, 32)))
    _must(_libc.capset(ctypes.byref(header), ctypes.byref(sets)))


def limits() -> None:
    """No core dump, no file longer than nothing, and room for a connection of each client."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (OPEN_FILES, OPEN_FILES))


def main(words: list[str]) -> int:
    """Confines this process and becomes the program. Returns only when a step failed."""
    try:
        agent, user = int(words[0]), int(words[1])
        capabilities = frozenset(int(word) for word in words[2].split(",") if word)
        read_only_world(user, words[3])
        limits()
        become(user, capabilities)
        _must(_libc.prctl(PR_SET_PDEATHSIG, 9, 0, 0, 0))  # after become(): changing user forgets it
        if os.getppid() != agent:
            return FAILED
        os.execv(words[4], words[4:])  # noqa: S606 (there is no shell to want)
    except (OSError, ValueError, IndexError):
        return FAILED
    return FAILED


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
