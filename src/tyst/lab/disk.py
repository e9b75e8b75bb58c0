"""A host's disk: a small ext4 file system on a loop device, so that 'no byte written' can be measured.

The image lies in RAM (the lab's tmpfs); what counts is that everything a host writes outside its own tmpfs passes
through a block device that has a counter. Nothing writes in the background: inode tables and journal are laid out at
once, reads leave no access times. The device is freed by the kernel with its last mount. Counterpart: `rootfs.py`.
"""

import contextlib
import errno
import fcntl
import os
import stat
import struct
import subprocess
from pathlib import Path

from tyst.lab import linux

SIZE = 48 * 1024 * 1024
SECTOR = 512

_LOOP_CONFIGURE, _LOOP_CTL_REMOVE, _LOOP_CTL_GET_FREE = 0x4C0A, 0x4C81, 0x4C82
_LO_FLAGS_AUTOCLEAR = 4
_LOOP_MAJOR = 7


def make_image(image: Path, size: int = SIZE) -> None:
    """Lays an empty ext4 file system into a sparse file of `size` bytes."""
    with image.open("xb") as file:
        file.truncate(size)
    options = "lazy_itable_init=0,lazy_journal_init=0,nodiscard"
    subprocess.run(
        ["mke2fs", "-t", "ext4", "-q", "-F", "-m", "0", "-E", options, str(image)],
        check=True,
        timeout=30,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )


def mount_image(image: Path, target: Path, label: str) -> str:
    """Mounts an image at `target` and returns the loop device's name ('loop3').

    `label` is what `losetup -a` shows. The device node is made beside the image, so this works where /dev is bare.
    """
    with image.open("r+b") as file:
        for _ in range(50):
            name = _attach(file.fileno(), image.parent, target, label)
            if name is not None:
                return name
    raise OSError(errno.EBUSY, "no free loop device")


def _attach(backing: int, folder: Path, target: Path, label: str) -> str | None:
    """Takes the next free loop device and mounts it; None when somebody else was faster."""
    with open("/dev/loop-control", "rb") as control:
        number = fcntl.ioctl(control, _LOOP_CTL_GET_FREE)
    node = folder / f"loop{number}"
    with contextlib.suppress(FileExistsError):
        os.mknod(node, stat.S_IFBLK | 0o600, os.makedev(_LOOP_MAJOR, number))
    try:
        device = os.open(node, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        if not _configure(device, backing, label):
            return None
        linux.mount(str(node), str(target), "ext4", linux.MS_NOATIME, "noinit_itable")
    finally:
        os.close(device)
    return node.name


def _configure(device: int, backing: int, label: str) -> bool:
    """Binds the image to the device; the kernel lets go of it when the last user has gone (LO_FLAGS_AUTOCLEAR)."""
    info = struct.pack(
        "=QQQQQIIII64s64s32sQQ", 0, 0, 0, 0, 0, 0, 0, 0, _LO_FLAGS_AUTOCLEAR, label.encode()[:63], b"", b"", 0, 0
    )
    request = struct.pack("=II", backing, 0) + info + bytes(64)
    try:
        fcntl.ioctl(device, _LOOP_CONFIGURE, request)
    except OSError as error:
        if error.errno == errno.EBUSY:
            return False
        raise
    return True


def backing(loop: str) -> str:
    """The path of the image behind a loop device as the kernel knows it; empty when there is none.

    Once the lab's RAM is unmounted and only waits for its last user, the path starts below it: '/alice/image'.
    """
    try:
        return Path(f"/sys/block/{loop}/loop/backing_file").read_text().strip()
    except OSError:
        return ""


def remove_extra(loop: str) -> None:
    """Takes away a device that was added beyond those the machine always has; one in use or built-in stays."""
    number = int(loop.removeprefix("loop"))
    if number < int(Path("/sys/module/loop/parameters/max_loop").read_text()):
        return
    with open("/dev/loop-control", "rb") as control, contextlib.suppress(OSError):
        fcntl.ioctl(control, _LOOP_CTL_REMOVE, number)


def sectors_written(loop: str) -> int:
    """How many 512-byte sectors were ever written to a device (Linux, Documentation/block/stat.rst, seventh field)."""
    return int(Path(f"/sys/block/{loop}/stat").read_text().split()[6])
