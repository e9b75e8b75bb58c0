"""Files that only their owner can read, written whole or not at all: keys, settings, signed papers, counts.

Not for what is written again and again by slots (`slots_file.py`) or read by others.
"""

import os
from pathlib import Path


def write_whole(path: Path, content: bytes) -> None:
    """Puts the new file in the old one's place once it is on the disk (rename(2))."""
    draft = path.with_name(path.name + ".new")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as file:
        os.fchmod(file.fileno(), 0o600)  # a draft that somebody left may have been anybody's
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
