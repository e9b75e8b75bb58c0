"""The figures that a process may show to its operator's monitoring: definitions, rounding, text, and a linter.

Two sorts exist. Figures about our own machinery (nodes heard of, jobs that failed, faults by place in our code) are
exact. Figures about what people do are whole multiples of their `group`, rounded down, and are left out below it: none
and a few look alike. Both are as of the last mark (every five minutes), however often they are read, so that a reader
gets no finer time. No label can name anybody: the values of each are a closed list, or places in our code. There are no
histograms, no times and no bytes. Each is declared as `[[metric]]` in `records/inventory.toml`.

Text: the Prometheus exposition format 0.0.4. Counterparts: `tyst.quiet.meter` holds values, `…listener` shows them.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

from tyst.core.events import GROUP, PLACE, Event, Room

MARK_SECONDS = 300
PLACES = "places"
"""Instead of a list of values: the label holds a place in our own code (`core.events.PLACE`)."""
Values = tuple[str, ...] | str


class Kind(Enum):
    """Prometheus' own two kinds that we use."""

    COUNTER = "counter"
    GAUGE = "gauge"


class About(Enum):
    """Whose doing a figure shows."""

    MACHINERY = "machinery"
    PEOPLE = "people"


@dataclass(frozen=True, eq=False)
class Metric:
    """One definition. `group`: people's figures are rounded down to its multiples; 1 for machinery."""

    name: str
    kind: Kind
    about: About
    rooms: tuple[Room, ...]
    what: str
    labels: Mapping[str, Values] = field(default_factory=dict)
    group: int = 1

    @property
    def precision(self) -> str:
        """As the inventory says it."""
        if self.about is About.MACHINERY:
            return "exact, as of the last five-minute mark"
        return (
            f"rounded down to multiples of {self.group}, left out below {self.group}, as of the last five-minute mark"
        )


_ALL = (Room.GATE, Room.SITE, Room.NODE, Room.JOBS)
ENDS = ("taken", "refused", "dropped", "nobody")
JOBS = (
    "keys", "sweep", "renewals", "reminders", "hints", "mandates", "journal", "records", "wallets", "rewrite",
    "undone", "backup", "shelf",
)  # fmt: skip

STAFF_ACTIONS = (
    "backup", "disclose", "fleet", "journal", "mail", "newsletter", "payments", "restore", "transparency", "voucher",
)  # fmt: skip

EVENTS = Metric(
    "tyst_events_total", Kind.COUNTER, About.MACHINERY, _ALL, "events that the process counted, by kind",
    {"kind": tuple(one.text for one in Event)},
)  # fmt: skip
FAULTS = Metric(
    "tyst_faults_total", Kind.COUNTER, About.MACHINERY, _ALL, "faults caught at doors, by place in our code",
    {"place": PLACES},
)  # fmt: skip
GATE_NODES = Metric("tyst_gate_nodes", Kind.GAUGE, About.MACHINERY, (Room.GATE,), "nodes heard of in the last 90 s")
GATE_TUNNELS = Metric(
    "tyst_gate_tunnels", Kind.GAUGE, About.PEOPLE, (Room.GATE,), "open tunnels of the whole fleet", group=GROUP
)
GATE_ANSWERS = Metric(
    "tyst_gate_answers_total", Kind.COUNTER, About.PEOPLE, (Room.GATE,), "questions answered, by how",
    {"answer": ("done", "refused", "failed")}, GROUP,
)  # fmt: skip
SITE_ANSWERS = Metric(
    "tyst_site_answers_total", Kind.COUNTER, About.PEOPLE, (Room.SITE,), "pages answered, by class of status",
    {"status": ("1xx", "2xx", "3xx", "4xx", "5xx")}, GROUP,
)  # fmt: skip
LETTERS = Metric(
    "tyst_letters_total", Kind.COUNTER, About.PEOPLE, (Room.SITE, Room.JOBS), "letters by how they ended",
    {"end": ENDS}, GROUP,
)  # fmt: skip
NODE_TUNNELS = Metric(
    "tyst_node_tunnels", Kind.GAUGE, About.PEOPLE, (Room.NODE,), "open tunnels of this node", group=GROUP
)
NODE_LOAD = Metric("tyst_node_load", Kind.GAUGE, About.MACHINERY, (Room.NODE,), "how busy the node is, from 0 to 10")
NODE_MBIT = Metric(
    "tyst_node_sent_mbit", Kind.GAUGE, About.PEOPLE, (Room.NODE,),
    "Mbit/s that the node as a whole sent since the last mark; only when ten tunnels or more were open", group=GROUP,
)  # fmt: skip
NODE_GATE = Metric("tyst_node_gate", Kind.GAUGE, About.MACHINERY, (Room.NODE,), "1 while the gate answers, else 0")
JOBS_DONE = Metric(
    "tyst_jobs_total", Kind.COUNTER, About.MACHINERY, (Room.JOBS,), "jobs done, by name and outcome",
    {"job": JOBS, "outcome": ("done", "failed")},
)  # fmt: skip
STAFF = Metric(
    "tyst_staff_actions", Kind.GAUGE, About.MACHINERY, (Room.JOBS,), "operators' commands of the last months, by kind",
    {"action": STAFF_ACTIONS},
)  # fmt: skip

METRICS: Sequence[Metric] = (
    EVENTS, FAULTS, GATE_NODES, GATE_TUNNELS, GATE_ANSWERS, SITE_ANSWERS, LETTERS, NODE_TUNNELS, NODE_LOAD, NODE_MBIT,
    NODE_GATE, JOBS_DONE, STAFF,
)  # fmt: skip

Labels = tuple[str, ...]
"""Values in the order of the definition's labels."""


def shown(metric: Metric, value: int) -> int | None:
    """The figure as it may be seen; None where it is left out."""
    if metric.about is About.MACHINERY:
        return value
    coarse = value // metric.group * metric.group
    return coarse if coarse > 0 else None


def text(values: Mapping[Metric, Mapping[Labels, int]]) -> str:
    """The exposition of raw values, rounded here and nowhere else. ValueError for a label value that isn't declared."""
    lines = []
    for metric, samples in values.items():
        found = {labels: shown(metric, value) for labels, value in sorted(samples.items()) if _declared(metric, labels)}
        lines += [f"# HELP {metric.name} {metric.what}", f"# TYPE {metric.name} {metric.kind.value}"]
        lines += [f"{metric.name}{_braces(metric, one)} {value}" for one, value in found.items() if value is not None]
    return "\n".join([*lines, ""])


def _declared(metric: Metric, labels: Labels) -> bool:
    if len(labels) != len(metric.labels):
        raise ValueError("a figure has the labels of its definition")
    for value, values in zip(labels, metric.labels.values(), strict=True):
        if not (PLACE.fullmatch(value) if values == PLACES else value in values):
            raise ValueError("a label has a value that its definition doesn't list")
    return True


def _braces(metric: Metric, labels: Labels) -> str:
    if not labels:
        return ""
    pairs = (f'{name}="{value}"' for name, value in zip(metric.labels, labels, strict=True))
    return "{" + ",".join(pairs) + "}"


# --- the linter -----------------------------------------------------------------------------------------------------

_NAME = re.compile(r"tyst(_[a-z0-9]+)+")
_LABEL = re.compile(r"[a-z]+")
_VALUE = re.compile(r"[A-Za-z0-9 ;,'-]+")
_PERSONAL = frozenset((
    "account", "accounts", "address", "addresses", "byte", "bytes", "octet", "octets", "packet", "packets", "city",
    "client", "clients", "country", "customer", "device", "devices", "email", "endpoint", "fingerprint", "handle",
    "host", "hostname", "id", "ip", "ipv4", "ipv6", "key", "keys", "language", "lease", "login", "mac", "name",
    "password", "path", "payer", "peer", "peers", "port", "query", "referer", "region", "session", "sessions",
    "source", "subscriber", "subscription", "tag", "token", "url", "user", "username", "voucher",
))  # fmt: skip
"""Words that no name of a metric or label has: each would be about one person, or about what one person sent."""
_MOST_SERIES = 100


def faults(metrics: Iterable[Metric]) -> list[str]:
    """What is wrong with definitions, as sentences; empty when all may be shown."""
    metrics = list(metrics)
    names = [one.name for one in metrics]
    found = [f"{name}: it is defined twice" for name in sorted({one for one in names if names.count(one) > 1})]
    return found + [f"{one.name}: {fault}" for one in metrics for fault in _faults(one)]


def _faults(metric: Metric) -> Iterable[str]:
    yield from _name_faults(metric)
    for label, values in metric.labels.items():
        yield from _label_faults(label, values)
    if _series(metric) > _MOST_SERIES:
        yield f"it has more than {_MOST_SERIES} series"
    if metric.about is About.PEOPLE and metric.group < GROUP:
        yield f"people's figures are rounded to groups of {GROUP} or more"
    if metric.about is About.MACHINERY and metric.group != 1:
        yield "machinery's figures are exact"
    if metric.about is About.PEOPLE and PLACES in metric.labels.values():
        yield "people's figures have no places: each could be one person's"


def _name_faults(metric: Metric) -> Iterable[str]:
    if not _NAME.fullmatch(metric.name):
        yield "a name is tyst_, small letters and figures"
    if _personal(metric.name):
        yield "its name has a word about a person, or about what a person sent"
    if (metric.kind is Kind.COUNTER) != metric.name.endswith("_total"):
        yield "counters, and only they, end in _total"
    if metric.name.endswith(("_created", "_seconds", "_timestamp", "_bucket", "_sum")):
        yield "no times, no histograms"
    if not metric.what or "\n" in metric.what or "\\" in metric.what:
        yield "it says in one line what it is"
    if not metric.rooms or set(metric.rooms) - set(_ALL):
        yield "it names the rooms that show it"


def _label_faults(label: str, values: Values) -> Iterable[str]:
    if not _LABEL.fullmatch(label) or _personal(label):
        yield f"the label {label} is about a person, or no plain word"
    if isinstance(values, str):
        if values != PLACES or label != "place":
            yield f"the label {label} has no closed list of values"
    elif not values or len(set(values)) != len(values) or not all(_VALUE.fullmatch(one) for one in values):
        yield f"the label {label} has no proper list of values"


def _personal(name: str) -> bool:
    return bool(_PERSONAL & {name, *name.split("_")})


def _series(metric: Metric) -> int:
    count = 1
    for values in metric.labels.values():
        count *= 1 if isinstance(values, str) else len(values)
    return count
