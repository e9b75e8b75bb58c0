"""The benches by name, in the order in which `make bench` runs them: those that need a whole provider come last."""

from tests.bench import (
    authorisations,
    cold,
    crowd,
    floods,
    handshakes,
    logins,
    memory,
    residue,
    settlements,
    throughput,
)
from tests.bench.figures import Bench

ALL: dict[str, Bench] = {
    "handshakes": handshakes.bench,
    "residue": residue.bench,
    "settlements": settlements.bench,
    "gate": authorisations.bench,
    "logins": logins.bench,
    "throughput": throughput.bench,
    "memory": memory.bench,
    "cold": cold.bench,
    "floods": floods.bench,
    "crowd": crowd.bench,
}
