"""Step 9 of the journey: connect, use and disconnect write nothing; nothing of the marked visit stayed."""

from pathlib import Path

from tyst import records
from tyst.journey import pages
from tyst.journey.begin import seen_from_outside
from tyst.journey.cast import Cast, Names
from tyst.journey.report import expect
from tyst.lab.bringup import STATE
from tyst.lab.wait import wait_until
from tyst.proof.allowed import load
from tyst.proof.marked import restart_resolvers, rooms
from tyst.proof.marks import Seed
from tyst.proof.report import Report
from tyst.proof.run import Proof
from tyst.proof.writes import WriteWatch, plant_byte

INVENTORY = Path(records.__file__).parent / "inventory.toml"
FLAG = "SELECT has_connected FROM account WHERE username = ?"


def scan(cast: Cast, seed: Seed, phase: str, elapsed: float) -> Report:
    """Looks for the marks everywhere in our rooms, resolvers restarted first. `elapsed`: seconds since the visit."""
    restart_resolvers(cast)
    return Proof(rooms(cast), seed.all, allowed=load(INVENTORY).after(elapsed)).scan(phase)


def residue(cast: Cast, seed: Seed, phase: str, elapsed: float) -> str:
    """Nothing of the marked visit is found, and every control is."""
    report = scan(cast, seed, phase, elapsed)
    figures = cast.report.figures
    figures["marks_planted"] = report.marks
    figures["marks_found"] = max(report.marks_found, figures.get("marks_found", 0))
    figures["control_planted"], figures["control_found"] = report.controls_planted, report.controls_found
    figures["scan_gb_per_cpu_s"] = report.speed
    expect(report.passed, "; ".join(report.reasons()[:6]))
    controls = f"{report.controls_found} of {report.controls_planted} controls found"
    if report.allowed:
        controls += "; declared: " + ", ".join(sorted({f"{kept.process} holds {kept.mark}" for kept in report.allowed}))
    return f"{report.marks} marks, none found in {report.searched / 1e6:,.0f} MB; {controls}"


def zero_write(cast: Cast) -> str:
    """Connect, use, disconnect over both protocols: 0 bytes on every host; then the batch writes, and is seen."""
    who, names = "mallory", Names.fresh("erin")
    browser, person = cast.browser(who), cast.people[who]
    pages.sign_up(browser, names)
    pages.redeem(browser, cast.provider.vouchers(1)[0])
    text, profile = pages.make_key(browser, "se-sto"), pages.openvpn_profile(browser, "se-sto", "udp")
    credential = pages.credential(browser)
    expect(flag(cast, names) == "0", "has_connected is set before the first connect")
    with WriteWatch(list(cast.lab)) as watch:
        person.wireguard_up(text, "se-sto")
        try:
            seen_from_outside(cast, who, "se-sto")
            wait_until(lambda: pages.devices(browser) == 1, within=40, every=1, what="devices to be 1")
        finally:
            person.wireguard_down("se-sto")
        client = person.openvpn_up(profile, *credential)
        try:
            seen_from_outside(cast, who, "se-sto")
        finally:
            client.end()
        wait_until(lambda: "se-sto" in cast.lab, within=1, what="the lab")
        writes = watch.finish()
    cast.report.figures["bytes_written"] = writes.total
    expect(writes.clean, "; ".join(writes.lines()))
    return f"0 bytes on {len(list(cast.lab))} hosts; {batch(cast, names)}"


def batch(cast: Cast, names: Names) -> str:
    """The daily batch flips has_connected, and the watch sees it write."""
    with WriteWatch([cast.provider.control]) as watch:
        cast.provider.operator("gate", "batch", "--state", STATE)
        expect(flag(cast, names) == "1", "the daily batch did not flip has_connected")
        expect(watch.finish().total > 0, "the watch did not see the batch write: it proves nothing")
    return "the daily batch flips has_connected and is seen"


def planted(cast: Cast) -> str:
    """One byte planted on each host is caught there, and nowhere else."""
    caught = []
    for host in cast.lab:
        with WriteWatch(list(cast.lab)) as watch:
            plant_byte(host)
            writes = watch.finish()
        expect(
            [name for name, count in writes.written.items() if count] == [host.name],
            f"a byte planted on {host.name} was not caught there alone",
        )
        caught.append(host.name)
    return f"caught on each of {len(caught)} hosts"


def flag(cast: Cast, names: Names) -> str:
    """An account's has_connected, read by the operator."""
    opened = f"sqlite3.connect('file:{STATE}/records.sqlite3?mode=ro', uri=True)"
    code = f"import sqlite3; print({opened}.execute({FLAG!r}, ({names.username!r},)).fetchone()[0])"
    return cast.provider.control.run(["python3", "-c", code]).stdout.strip()
