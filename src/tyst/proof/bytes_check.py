"""Zero bytes: connecting, using, disconnecting, signing in and looking at pages write nothing outside RAM.

The short form runs the rooms in one process over a real disk and either database (`proof.worlds.still`). The whole form
adds the lab: stock clients, every host with a disk of its own whose sectors are counted (`proof.writes`), which needs
root. docs/algorithms/two-worlds.md says how.
"""

import os

from tyst.journey.cast import Cast
from tyst.journey.report import Report
from tyst.lab.bringup import Provider
from tyst.lab.lab import Lab
from tyst.proof import nothing
from tyst.proof.check import Fault, How, Verdict
from tyst.proof.worlds import asked, still

NAME = "bytes"
MEANING = "Using the VPN and the site writes not one byte to a disk."

_PLANTED = (
    "a provider with four customers on a disk; one of them has used everything once, so that what happens once in a "
    "process's life is over",
)
_SEARCHED = (
    "a day of use by another: signing in, every page in two languages, a profile and a credential, WireGuard, "
    "renewals, a forwarded port, OpenVPN by credential and by password, a wrong password, an unknown key, the end",
    "every file of the provider, and of PostgreSQL's whole data directory: content, size, times, also of the folders",
    "the position of PostgreSQL's write-ahead log, and, after a checkpoint, every page of every table",
    "the kernel's count of bytes that these processes, and PostgreSQL's, sent to any disk",
)
_IN_LAB = "the lab: stock WireGuard and OpenVPN clients and a browser; the written sectors of every host's disk"
_CANNOT = (
    "what the operator adds around Tyst, and swap: docs/operate/install.md says how to switch it off",
    "what the daily batch writes: once a day at a fixed time, whether or not anybody came",
)


def run(how: How) -> Verdict:
    """Both databases; with `whole`, the lab."""
    told, engines = asked.Told(), asked.engines()
    how.tell(f"a day of use over {' and over '.join(asked.ENGINES[one] for one in engines)}, and what it writes")
    asked.all_of(told, [(engine, ("bytes",), 0) for engine in engines])
    in_lab = how.whole and os.geteuid() == 0
    if in_lab:
        _lab(how, told)
    searched, cannot = (*_SEARCHED, *([_IN_LAB] if in_lab else [])), (*_CANNOT, *_missing(engines, how))
    return Verdict(NAME, _PLANTED, searched, tuple(told.found), tuple(told.faults), cannot, told.figures)


def _missing(engines: list[str], how: How) -> list[str]:
    missing = [] if "postgresql" in engines else ["PostgreSQL isn't installed on this machine: only SQLite was run"]
    if still.on_disk() is None:
        missing.append("this machine has no disk: the kernel's count of bytes can't tell")
    if how.whole and os.geteuid() != 0:
        missing.append("without root there is no lab: no stock clients took part")
    if not how.whole:
        missing.append("stock clients and whole hosts: that is the whole form, by night")
    return missing


def _lab(how: How, told: asked.Told) -> None:
    """Step 9 of the journey, alone: use by stock clients, and a planted byte on each host."""
    how.tell("a lab with stock clients, whose disks are counted")
    with Lab.build() as lab:
        cast = Cast(lab, Provider.start(lab, tell=how.tell), Report())
        try:
            nothing.zero_write(cast)
        except AssertionError as failed:
            told.found.append(f"the lab: {failed}")
        told.figures["lab_bytes_written"] = cast.report.figures.get("bytes_written", 0)
        try:
            nothing.planted(cast)
            caught = True
        except AssertionError:
            caught = False
        finally:
            cast.close_browsers()
    told.faults.append(Fault("the lab: one byte on each host's disk", caught))
