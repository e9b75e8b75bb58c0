"""Mutants of a module: its syntax tree with one small wrong change each, of the sort that people make.

A mutant is named by where it is (the function's qualified name), what stood there and what stands there now, so that
the name survives edits elsewhere in the file. Docstrings, annotations and decorators are left alone: they decide nothing.
"""

import ast
import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass

_COMPARED: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
_RECKONED: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.FloorDiv: ast.Mult,
    ast.Div: ast.Mult,
    ast.Mod: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
}
_NAMES = {"min": "max", "max": "min", "any": "all", "all": "any", "atomic": "nullcontext"}
Node = ast.expr | ast.stmt | ast.excepthandler


@dataclass(frozen=True)
class Mutant:
    """One change. `module`: the whole changed tree."""

    where: str
    was: str
    now: str
    module: ast.Module

    @property
    def name(self) -> str:
        """What it is called in lists."""
        return f"{self.where}: {self.was} -> {self.now}"


def mutants(source: str) -> Iterator[Mutant]:
    """All mutants of a module's source. Those of one name are told apart by a number."""
    tree, seen = ast.parse(source), dict[str, int]()
    places = [(node, where) for node, where in _walk(tree, "module")]
    for place, (node, where) in enumerate(places):
        for changed in _changes(node):
            whole = copy.deepcopy(tree)
            twin = list(_walk(whole, "module"))[place][0]
            _put(whole, twin, changed)
            name = f"{where}: {_text(node)} -> {_text(changed)}"
            seen[name] = seen.get(name, 0) + 1
            again = f" (number {seen[name]})" if seen[name] > 1 else ""
            yield Mutant(where, _text(node), _text(changed) + again, ast.fix_missing_locations(whole))


def _walk(node: ast.AST, where: str) -> Iterator[tuple[Node, str]]:
    """Every statement and expression that decides something, with the function or class it is in."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        where = node.name if where == "module" else f"{where}.{node.name}"
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "decorator_list", "type_comment", "bases"):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, Node) and not _said(child):
                yield child, where
            if isinstance(child, ast.AST) and not _said(child):
                yield from _walk(child, where)


def _said(node: ast.AST) -> bool:
    """A docstring: an expression that is a text alone."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _put(tree: ast.AST, old: ast.AST, new: ast.AST) -> None:
    for node in ast.walk(tree):
        for name, value in ast.iter_fields(node):
            if value is old:
                setattr(node, name, new)
            elif isinstance(value, list) and any(one is old for one in value):
                setattr(node, name, [new if one is old else one for one in value])


def _text(node: ast.AST) -> str:
    """On one line, cut short."""
    line = " ".join(ast.unparse(node).split())
    return line if len(line) <= 90 else f"{line[:87]}..."


def _changes(node: Node) -> Iterator[Node]:
    change = _CHANGES.get(type(node))
    if change is not None:
        yield from change(node)


def _with(node: Node, **fields: object) -> Node:
    twin = copy.deepcopy(node)
    for name, value in fields.items():
        setattr(twin, name, value)
    return twin


def _compare(node: ast.Compare) -> Iterator[Node]:
    for place, operator in enumerate(node.ops):
        for other in _COMPARED[type(operator)]:
            yield _with(node, ops=[*node.ops[:place], other(), *node.ops[place + 1 :]])


def _reckon(node: ast.BinOp | ast.AugAssign) -> Iterator[Node]:
    if type(node.op) in _RECKONED:
        yield _with(node, op=_RECKONED[type(node.op)]())
    if isinstance(node, ast.AugAssign):
        yield ast.Pass()


def _joined(node: ast.BoolOp) -> Iterator[Node]:
    yield _with(node, op=ast.Or() if isinstance(node.op, ast.And) else ast.And())
    for place in range(len(node.values)):
        rest = node.values[:place] + node.values[place + 1 :]
        yield rest[0] if len(rest) == 1 else _with(node, values=rest)


def _unary(node: ast.UnaryOp) -> Iterator[Node]:
    yield node.operand


def _constant(node: ast.Constant) -> Iterator[Node]:
    value = node.value
    if isinstance(value, bool):
        yield ast.Constant(not value)
    elif isinstance(value, int):
        yield from (ast.Constant(value + 1), ast.Constant(value - 1))
    elif isinstance(value, str | bytes):
        yield ast.Constant(type(value)() if value else ("XX" if isinstance(value, str) else b"XX"))


def _returned(node: ast.Return) -> Iterator[Node]:
    if node.value is not None and not (isinstance(node.value, ast.Constant) and node.value.value is None):
        yield ast.Return(ast.Constant(None))


def _dropped(node: ast.Expr | ast.Raise) -> Iterator[Node]:
    yield ast.Pass()


def _turned(node: ast.Continue | ast.Break) -> Iterator[Node]:
    yield ast.Break() if isinstance(node, ast.Continue) else ast.Continue()


def _asked(node: ast.If | ast.IfExp | ast.While) -> Iterator[Node]:
    if not isinstance(node.test, ast.Compare | ast.UnaryOp):
        yield _with(node, test=ast.UnaryOp(ast.Not(), node.test))


def _caught(node: ast.ExceptHandler) -> Iterator[Node]:
    yield _with(node, type=ast.Tuple([], ast.Load()))


def _called(node: ast.Call) -> Iterator[Node]:
    """Another function, or one of its own words left out."""
    if isinstance(node.func, ast.Name) and node.func.id in _NAMES:
        yield _with(node, func=ast.Name(_NAMES[node.func.id], ast.Load()))
    for place, word in enumerate(node.keywords):
        if word.arg is not None:
            yield _with(node, keywords=node.keywords[:place] + node.keywords[place + 1 :])


def _kept(node: ast.Assign) -> Iterator[Node]:
    """An attribute or an entry that is never set. (A name that isn't would fail at its next use.)"""
    if all(isinstance(target, ast.Attribute | ast.Subscript) for target in node.targets):
        yield ast.Pass()


_CHANGES: dict[type[ast.AST], Callable[..., Iterator[Node]]] = {
    ast.Compare: _compare,
    ast.BinOp: _reckon,
    ast.AugAssign: _reckon,
    ast.BoolOp: _joined,
    ast.UnaryOp: _unary,
    ast.Constant: _constant,
    ast.Return: _returned,
    ast.Expr: _dropped,
    ast.Raise: _dropped,
    ast.Continue: _turned,
    ast.Break: _turned,
    ast.If: _asked,
    ast.IfExp: _asked,
    ast.While: _asked,
    ast.ExceptHandler: _caught,
    ast.Call: _called,
    ast.Assign: _kept,
}
