"""Two worlds: the same hours twice, once with Alice and once with Bob; all that is persisted must be the same.

Clock and randomness are the same in both, so whatever differs tells who it was: also a hash, a ciphertext, an order, a
length or a time, which no search for marks can find. docs/algorithms/two-worlds.md says how; the worlds themselves are
in `proof.worlds`.
"""

from tyst.proof.check import How, Verdict
from tyst.proof.worlds import asked

NAME = "worlds"
MEANING = "What is stored after Alice used the VPN is, byte for byte, what is stored after Bob did."
SEEDS = 4
"""In the whole form: so many grounds with other randomness, every second one with midnight in the middle."""

_PLANTED = (
    "two accounts with equal settings that have connected before, and two that never have; each with its own device",
    "the same clock and the same randomness in both worlds, which differ in one thing alone: who it is",
)
_SEARCHED = (
    "use: signing in, every page, a profile and a credential, WireGuard, renewals, a forwarded port, OpenVPN by "
    "credential and by password, a wrong password, an unknown key, the end of all tunnels, signing out, the batch. "
    "Nothing at all may differ",
    "the first connect ever, and the daily batch: account.has_connected may differ, once the batch has run",
    "two first connects on one day, in this order and in the other: nothing may differ",
    "a voucher: account.subscription and account.updated_at may differ, and what undone.journal says of the former",
    "after each step: every byte of every file with its times; every row; of PostgreSQL also where each row lies, "
    "which transaction wrote it, and each table's size and time",
)
_CANNOT = (
    "memory, the kernel's tables, the OpenVPN program and the resolver: they are searched in the lab (residue), and a "
    "restart ends them",
    "what the operator adds around Tyst: a proxy's log, the datacentre's flow export",
    "PostgreSQL, between a voucher or the daily batch and the nightly rewrite: rows written that day lie at the end of "
    "their table (docs/operate/postgresql.md); the comparison allows this for the rows whose declared fields differ",
)


def run(how: How) -> Verdict:
    """Both databases, beside each other."""
    told, engines = asked.Told(), asked.engines()
    how.tell(f"two worlds over {' and over '.join(asked.ENGINES[one] for one in engines)}")
    asked.all_of(told, [(engine, (), 0) for engine in engines])
    for seed in range(1, SEEDS + 1) if how.whole else ():
        how.tell(f"again, with other randomness: {seed} of {SEEDS}")
        asked.all_of(told, [(engine, ("compare",), seed) for engine in engines])
    return Verdict(NAME, _PLANTED, _SEARCHED, tuple(told.found), tuple(told.faults), cannot(engines), told.figures)


def cannot(engines: list[str]) -> tuple[str, ...]:
    """What this run can't show, on this machine."""
    missing = () if "postgresql" in engines else ("PostgreSQL isn't installed on this machine: only SQLite was run",)
    return (*_CANNOT, *missing)
