"""The memory of a live process: what it holds is found, what it scrubbed is not."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tyst.core.residue import Mark, MarkKind
from tyst.core.residue_encodings import encodings, scan_set_of
from tyst.proof.engine import Engine
from tyst.proof.sources import MemorySource, SourceGone, mappings

CHILD = """
import mmap, os
page = mmap.mmap(-1, 1 << 20, **OPTIONS)
os.readv(0, [memoryview(page)[4090:]])  # straight into the page, across a page's border: no buffer holds a copy
print("held", flush=True)
os.read(0, 1)
page[:] = bytes(len(page))
print("scrubbed", flush=True)
os.read(0, 1)
"""
ALICE = Mark("alice", MarkKind.TEXT, "alice-holds-this-in-memory")
FORMS = encodings(ALICE)


@contextmanager
def child(options: str = "{}") -> Iterator["subprocess.Popen[bytes]"]:
    code = CHILD.replace("**OPTIONS", f"**{options}")
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-I", "-c", code], stdin=pipe, stdout=pipe) as process:
        try:
            yield process
        finally:
            process.kill()


def say(process: "subprocess.Popen[bytes]", data: bytes, expected: bytes) -> None:
    assert process.stdin and process.stdout
    process.stdin.write(data)
    process.stdin.flush()
    assert process.stdout.readline().strip() == expected


def found_in(pid: int) -> set[str]:
    scan = scan_set_of([ALICE])
    tally = Engine(scan).search(MemorySource(pid))
    assert tally.unread == 0
    return {scan.patterns[index].encoding for index in tally.counted}


@pytest.mark.parametrize("options", ["{}", "{'flags': mmap.MAP_PRIVATE}"])
def test_alices_value_is_found_while_a_process_holds_it_and_not_after_it_scrubbed_it(options: str) -> None:
    with child(options) as process:
        say(process, b"\n".join(FORMS.values()), b"held")
        assert found_in(process.pid) == set(FORMS)
        say(process, b"x", b"scrubbed")
        assert found_in(process.pid) == set()


def test_a_decoy_is_not_found_in_it() -> None:
    with child() as process:
        say(process, FORMS["text"], b"held")
        decoy = scan_set_of([Mark("decoy", MarkKind.TEXT, "nobody-ever-sent-this-text", decoy=True)])
        assert Engine(decoy).search(MemorySource(process.pid)).counted == {}


def test_a_process_that_ended_is_said_to_be_gone() -> None:
    with child() as process:
        say(process, b"x", b"held")
    with pytest.raises(SourceGone):
        Engine(scan_set_of([ALICE])).search(MemorySource(process.pid))
    with pytest.raises(SourceGone):
        mappings(process.pid)


def test_a_process_that_ends_during_the_search_is_said_to_be_gone() -> None:
    with child() as process:
        say(process, b"x", b"held")
        with MemorySource(process.pid) as source:
            begin, _end = next(source.runs())
            process.kill()
            process.wait()
            with pytest.raises(SourceGone):
                source.read_into(begin, memoryview(bytearray(64)))


def test_the_scanner_refuses_to_search_itself() -> None:
    with pytest.raises(ValueError, match="own patterns"):
        MemorySource(os.getpid())


def test_a_reserved_and_untouched_gigabyte_costs_nothing() -> None:
    code = "import mmap, sys\npage = mmap.mmap(-1, 1 << 30)\nprint('held', flush=True)\nsys.stdin.read()"
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-I", "-c", code], stdin=pipe, stdout=pipe) as process:
        assert process.stdout and process.stdout.readline() == b"held\n"
        tally = Engine(scan_set_of([ALICE])).search(MemorySource(process.pid))
        process.kill()
    assert tally.searched < 64 << 20
