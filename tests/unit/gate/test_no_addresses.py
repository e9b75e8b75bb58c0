"""The gate cannot name a place: no line of it asks where anybody is. Imports cannot show that; the syntax can."""

import ast
from pathlib import Path

import pytest

import tyst.gate

ROOM = Path(tyst.gate.__file__).parent
ASKING = {"client", "peername", "getpeername", "remote_addr", "get_remote_addr", "get_client_addr", "client_host"}
NAMING = {"client", "peername", "socket", "headers", "x-forwarded-for", "forwarded", "x-real-ip", "remote_addr"}
MAY_ASK_TRANSPORT = {"ssl_object"}


def offences(source: str) -> list[str]:
    """What in a module could learn a peer's address: attributes, names, keys of a scope, questions to a transport."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute) and (node.attr in ASKING or node.attr.startswith("remote")):
            found.append(f"attribute {node.attr}")
        elif isinstance(node, ast.Name | ast.alias) and _name(node) in ASKING:
            found.append(f"name {_name(node)}")
        elif isinstance(node, ast.Subscript) and _text(node.slice) in NAMING:
            found.append(f"key {_text(node.slice)}")
        elif isinstance(node, ast.Call):
            found += _calls(node)
    return found


def _calls(call: ast.Call) -> list[str]:
    asked = [_text(argument) for argument in call.args]
    name = getattr(call.func, "attr", getattr(call.func, "id", ""))
    if name == "get_extra_info" and asked != ["ssl_object"]:
        return [f"get_extra_info({asked})"]
    if name in {"get", "getattr", "pop"} and any(text in NAMING | ASKING for text in asked):
        return [f"{name}({asked})"]
    if name == "connection_made":
        return ["uvicorn's connection_made, which reads the address"]
    return []


def _name(node: ast.Name | ast.alias) -> str:
    return node.id if isinstance(node, ast.Name) else node.name


def _text(node: ast.AST) -> str:
    return node.value.lower() if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


@pytest.mark.parametrize("path", sorted(ROOM.glob("**/*.py")), ids=lambda path: path.name)
def test_no_line_of_the_gate_asks_where_anybody_is(path: Path) -> None:
    assert offences(path.read_text()) == []


@pytest.mark.parametrize(
    "mutation",
    [
        "where = scope['client']",
        "where = scope.get('client')",
        "where = request.client.host",
        "where = self.client",
        "where = transport.get_extra_info('peername')",
        "where = transport.get_extra_info('socket')",
        "key = 'peername'\nwhere = transport.get_extra_info(key)",
        "where = sock.getpeername()",
        "where = request.remote_addr",
        "where = headers['X-Forwarded-For']",
        "for line in scope['headers']: pass",
        "where = getattr(self, 'client')",
        "from uvicorn.protocols.utils import get_remote_addr",
        "super().connection_made(transport)",
    ],
)
def test_this_test_bites(mutation: str) -> None:
    assert offences(mutation)
