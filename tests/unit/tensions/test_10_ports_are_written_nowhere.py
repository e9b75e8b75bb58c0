"""Tension 10: a forwarded port is in the RAM of one node. Nothing that is stored, sealed or sent has a place for it."""

import re

import msgspec

from tests.named import ROOT
from tyst.messages import admission, devices, load
from tyst.records import inventory


def test_no_column_no_sealed_value_and_no_message_of_ours_has_a_place_for_one() -> None:
    declared = inventory.inventory()
    assert [one for one in declared.columns if one.table == "account" and "port" in one.field.split("_")] == []
    stored = {(one.table, one.field) for one in declared.columns if "port" in one.field}
    assert {table for table, _ in stored} <= {"node"}, "a port of a person is stored"
    structs = [
        one
        for module in (admission, devices, load)
        for one in vars(module).values()
        if isinstance(one, type) and issubclass(one, msgspec.Struct)
    ]
    assert structs
    names = {field for one in structs for field in one.__struct_fields__}
    assert not {name for name in names if "port" in name.split("_")}


def test_the_code_of_forwarded_ports_opens_no_file() -> None:
    for name in ("port_leases.py", "ports.py"):
        text = (ROOT / "src/tyst/node" / name).read_text()
        assert not re.findall(r"(?<![\w.])open\(|write_bytes|write_text|\bPath\(|Handover", text), name
