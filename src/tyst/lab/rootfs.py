"""A host's root: the machine's own root seen through an overlay, with every durable write on the host's disk.

`assemble` runs in the process that becomes the host's init, already alone in its mount namespace, and ends with
`pivot_root`: from then on the host sees the real programs, its own /dev, /proc, /sys, and tmpfs where Debian has RAM
(/run, /tmp, /dev/shm). /var/tmp stays on disk, as it does on a real machine. Counterparts: `disk.py`, `keeper.py`.
"""

import contextlib
import os
import stat
from pathlib import Path

from tyst.lab import linux
from tyst.lab.plan import Entry

#: Replaced by something of the host's own, so what the machine has mounted there isn't carried over.
OWN = ("/proc", "/sys", "/dev", "/run", "/tmp")
_NO_TRICKS = linux.MS_NOSUID | linux.MS_NODEV | linux.MS_NOEXEC
_DEVICES = {"null": (1, 3), "zero": (1, 5), "full": (1, 7), "random": (1, 8), "urandom": (1, 9), "tty": (5, 0)}
_LINKS = {
    "ptmx": "pts/ptmx",
    "fd": "/proc/self/fd",
    "stdin": "/proc/self/fd/0",
    "stdout": "/proc/self/fd/1",
    "stderr": "/proc/self/fd/2",
}
_WRITABLE = linux.MS_BIND | linux.MS_REMOUNT
_READ_ONLY = _WRITABLE | linux.MS_RDONLY


def assemble(disk: Path, root: Path, entries: tuple[Entry, ...], views: tuple[str, ...]) -> None:
    """Builds the root at `root` over the file system mounted at `disk`, and moves the calling process into it.

    `entries` are files put there before anything runs; `views` are folders of the machine (the checkout, the Python
    environment) that must stay visible at their own paths even where the host has a tmpfs of its own.
    """
    submounts = _submounts(under=str(root))
    upper = disk / "upper"
    _make(upper, disk / "work")
    _overlay("/", upper, disk / "work", root)
    # Through the overlay, not into its upper folder: what it finds there unmarked it would mark at the first look.
    _place(root, [entry for entry in entries if not _in_ram(entry.path)])
    for number, path in enumerate(submounts):
        _carry_over(path, disk / f"sub{number}", root)
    _mount_own(root)
    _fill_caches(root)
    for view in views:
        if _in_ram(view):
            _show(view, root)
    _place(root, [entry for entry in entries if _in_ram(entry.path)])
    _move_in(root)


def _in_ram(path: str) -> bool:
    return any(path == own or path.startswith(own + "/") for own in OWN)


def _make(*folders: Path) -> None:
    for folder in folders:
        folder.mkdir(parents=True, exist_ok=True, mode=0o755)


def _overlay(lower: str, upper: Path, work: Path, target: Path) -> None:
    # index and metacopy off: both would write about files that are only read. xino off: it needs no storing either.
    options = f"lowerdir={lower},upperdir={upper},workdir={work},index=off,metacopy=off,xino=off"
    linux.mount("overlay", str(target), "overlay", linux.MS_NOATIME, options)


def _submounts(under: str) -> list[str]:
    """What else the machine has mounted below its root and a host should see too, parents first."""
    with open("/proc/self/mountinfo", encoding="utf-8") as file:
        points = {line.split()[4].encode().decode("unicode_escape") for line in file}
    own = (*OWN, under)
    hidden = {point for point in points if any(point == path or point.startswith(path + "/") for path in own)}
    return sorted(points - hidden - {"/"})


def _carry_over(path: str, store: Path, root: Path) -> None:
    """Shows one more of the machine's file systems: writable through an overlay if it can be, else read-only."""
    target = root / path.lstrip("/")
    if not target.exists():
        return
    if not target.is_dir():
        if path not in ("/etc/resolv.conf", "/etc/hosts", "/etc/hostname"):
            _show(path, root)
        return
    _make(store / "upper", store / "work")
    try:
        _overlay(path, store / "upper", store / "work", target)
    except OSError:  # a file system that can't be a lower layer, such as another overlay of full depth
        _show(path, root)


def _show(path: str, root: Path) -> None:
    """Binds a folder or file of the machine into the host, read-only."""
    target = root / path.lstrip("/")
    if os.path.isdir(path):
        _make(target)
    else:
        _make(target.parent)
        target.touch()
    linux.mount(path, str(target), flags=linux.MS_BIND)
    linux.mount(path, str(target), flags=_READ_ONLY)


def _mount_own(root: Path) -> None:
    """Mounts what every host has for itself."""
    _tmpfs(root / "run", "0755", "64m")
    _tmpfs(root / "tmp", "1777", "1g")
    _make(root / "run/lock", root / "run/home", root / "run/wireguard", root / "run/resolvconf")
    linux.mount("proc", str(root / "proc"), "proc", _NO_TRICKS)
    linux.mount("sysfs", str(root / "sys"), "sysfs", _NO_TRICKS | linux.MS_RDONLY)
    _protect_kernel_settings(root / "proc")
    _devices(root / "dev")


def _fill_caches(root: Path) -> None:
    """What a machine has after its programs' first start: not use, so not to be counted as such.

    fontconfig finds its cache out of date because the folders it is about now lie on an overlay.
    """
    if (root / "var/cache/fontconfig").is_dir():
        _tmpfs(root / "var/cache/fontconfig", "0755", "16m")
    if (root / "usr/lib/chromium").is_dir():
        _make(root / "usr/lib/chromium/extensions")


def _tmpfs(target: Path, mode: str, size: str, flags: int = linux.MS_NOSUID | linux.MS_NODEV) -> None:
    linux.mount("tmpfs", str(target), "tmpfs", flags, f"mode={mode},size={size}")


def _protect_kernel_settings(proc: Path) -> None:
    """Settings of the whole machine are read-only in a host; those of its own network are not."""
    for path, read_only in (("sys", True), ("sys/net", False), ("sysrq-trigger", True)):
        target = str(proc / path)
        if os.path.exists(target):
            linux.mount(target, target, flags=linux.MS_BIND)
            linux.mount(target, target, flags=_READ_ONLY if read_only else _WRITABLE)


def _devices(dev: Path) -> None:
    """A bare /dev: no block device of the machine is in it."""
    _tmpfs(dev, "0755", "1m", linux.MS_NOSUID)
    _make(dev / "pts", dev / "shm", dev / "net")
    for name, (major, minor) in {**_DEVICES, "net/tun": (10, 200)}.items():
        _character_device(dev / name, major, minor)
    linux.mount(
        "devpts", str(dev / "pts"), "devpts", linux.MS_NOSUID | linux.MS_NOEXEC, "newinstance,ptmxmode=0666,mode=620"
    )
    _tmpfs(dev / "shm", "1777", "1g")
    for name, link in _LINKS.items():
        (dev / name).symlink_to(link)


def _character_device(path: Path, major: int, minor: int) -> None:
    """Makes a device node, or shows the machine's where making nodes is forbidden (some containers)."""
    try:
        os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(major, minor))
        path.chmod(0o666)
    except PermissionError:
        path.touch()
        linux.mount(
            f"/dev/{path.name if major == 1 else path.relative_to(path.parents[1])}", str(path), flags=linux.MS_BIND
        )


def _place(root: Path, entries: list[Entry]) -> None:
    """Writes the prepared files; one marked `append` starts with what the machine has there."""
    for entry in entries:
        target = root / entry.path.lstrip("/")
        _make(target.parent)
        before = b""
        if entry.append:
            with contextlib.suppress(FileNotFoundError):
                before = target.read_bytes()
        target.unlink(missing_ok=True)
        if entry.link:
            target.symlink_to(entry.text)
        else:
            target.write_bytes(before + entry.text.encode())
            target.chmod(entry.mode)


def _move_in(root: Path) -> None:
    """Makes `root` the root and lets go of the machine's."""
    old = root / "run/old"
    _make(old)
    linux.pivot_root(str(root), str(old))
    os.chdir("/")
    linux.unmount("/run/old")
    os.rmdir("/run/old")
