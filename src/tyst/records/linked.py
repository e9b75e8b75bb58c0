"""The inventory for machines: JSON-LD in the words of the W3C Data Privacy Vocabulary (DPV 2.3).

One `dpv:Process` for each entry, with what data, why, on what legal basis, for how long, and who receives it. Made from
the inventory alone; reads nothing else. Sources: https://www.w3.org/TR/json-ld11/, https://w3id.org/dpv, and
https://www.dublincore.org/specifications/dublin-core/dcmi-terms/ (`dct:title`, `dct:description`). Counterpart:
`vocabulary.py`.
"""

from collections.abc import Iterator
from typing import Any

from tyst.records import vocabulary
from tyst.records.inventory import Inventory, Outgoing

CONTEXT: dict[str, Any] = {**vocabulary.PREFIXES, "dct": "http://purl.org/dc/terms/"}
Node = dict[str, Any]
_RECIPIENTS = {
    "dpv:DataProcessor": "dpv:hasDataProcessor",
    "dpv:DataController": "dpv:hasRecipientDataController",
    "dpv:PublicSectorBody": "dpv:hasRecipient",
    "dpv:ThirdParty": "dpv:hasRecipientThirdParty",
}


def document(everything: Inventory, controller: str = "") -> Node:
    """The whole of it. `controller`: who provides the service, by name; "" when the operator hasn't said."""
    processes = [*_stored(everything), *_carried(everything), *_told(everything), *_sent(everything)]
    if controller:
        owner = {"@id": "#controller", "@type": "dpv:DataController", "dpv:hasName": controller}
        return {"@context": CONTEXT, "@graph": [owner, *_parties(everything), *map(_owned, processes)]}
    return {"@context": CONTEXT, "@graph": [*_parties(everything), *processes]}


def _owned(process: Node) -> Node:
    return {**process, "dpv:hasDataController": {"@id": "#controller"}}


def _parties(everything: Inventory) -> list[Node]:
    return [
        {"@id": f"#party-{one.folder}", "@type": one.role, "dpv:hasName": one.name, "dct:description": one.keeps}
        for one in everything.parties
    ]


def _stored(everything: Inventory) -> Iterator[Node]:
    for column in everything.columns:
        node = _process(f"column-{column.table}-{column.field}", f"{column.table}.{column.field}", column)
        yield node | {"dct:description": column.precision}
    for file in everything.files:
        yield _process(f"file-{file.name}", file.what, file) | {"dct:description": file.precision}


def _carried(everything: Inventory) -> Iterator[Node]:
    for cookie in everything.cookies:
        yield _process(f"cookie-{cookie.name}", cookie.name, cookie) | {"dct:description": cookie.precision}
    for sealed in everything.sealed:
        yield _process(f"sealed-{sealed.kind}", sealed.kind, sealed) | {"dct:description": sealed.precision}
    for number, value in enumerate(everything.memory):
        node = _process(f"memory-{number}", value.what, value)
        yield node | {"dct:description": f"in the memory of the {value.room} only"}


def _told(everything: Inventory) -> Iterator[Node]:
    for line in everything.logs:
        yield _process(f"log-{line.room}-{line.kind}", line.kind, line) | {"dct:description": line.what}
    for metric in everything.metrics:
        node = _process(f"metric-{metric.room}-{metric.name}", metric.name, metric)
        yield node | {"dct:description": f"{metric.what} ({metric.precision})"}


def _sent(everything: Inventory) -> Iterator[Node]:
    roles = {one.folder: _RECIPIENTS[one.role] for one in everything.parties}
    for number, message in enumerate(everything.outgoing):
        yield _message(number, message, roles.get(message.folder, "dpv:hasRecipient"))


def _message(number: int, message: Outgoing, relation: str) -> Node:
    node = _process(f"outgoing-{number}", message.what, message)
    return node | {"dct:description": message.when, relation: {"@id": f"#party-{message.folder}"}}


def _process(name: str, title: str, entry: Any) -> Node:
    """What all entries have. What is about nobody has no legal basis, for it needs none."""
    nobody = entry.dpv == vocabulary.NOBODY
    node: Node = {
        "@id": f"#{name}",
        "@type": "dpv:NonPersonalDataProcess" if nobody else "dpv:PersonalDataProcess",
        "dct:title": title,
        "dpv:hasData" if nobody else "dpv:hasPersonalData": {"@id": entry.dpv},
        "dpv:hasPurpose": {"@type": "dpv:Purpose", "dct:description": entry.purpose},
    }
    if entry.legal_basis != vocabulary.NOBODY:
        node["dpv:hasLegalBasis"] = {"@id": entry.legal_basis}
    if hasattr(entry, "lifetime"):
        node["dpv:hasDuration"] = {"@type": "dpv:UntilEventDuration", "dct:description": entry.lifetime}
    return node
