"""Evaluating rule strings without `eval`: a small language of comparisons, arithmetic and calls to given functions."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from typing import Any

_BINARY: Mapping[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}
_COMPARE: Mapping[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.In: lambda a, b: a in b,
    ast.NotIn: lambda a, b: a not in b,
}


class RuleSyntaxError(ValueError):
    """A rule uses something outside the rule language."""


def names_in(rule: str) -> set[str]:
    """Return the attribute names a rule looks at (function names excluded)."""
    tree = ast.parse(rule, mode="eval")
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and id(node) not in called}


def evaluate(rule: str, names: Mapping[str, Any]) -> bool:
    """Return whether `rule` holds for the given names (values and functions).

    Raises:
        RuleSyntaxError: the rule is not an expression of the rule language or uses an unknown name.
    """
    try:
        tree = ast.parse(rule, mode="eval")
    except SyntaxError as error:
        raise RuleSyntaxError(f"rule {rule!r}: {error.msg}") from error
    return bool(_value(tree.body, names))


def _value(node: ast.expr, names: Mapping[str, Any]) -> Any:  # noqa: C901, PLR0911, PLR0912  one branch per form
    if isinstance(node, ast.Constant) and isinstance(node.value, (int, float, str, bool)):
        return node.value
    if isinstance(node, ast.Name):
        if node.id not in names:
            raise RuleSyntaxError(f"unknown name {node.id!r}")
        return names[node.id]
    if isinstance(node, ast.Tuple):
        return tuple(_value(item, names) for item in node.elts)
    if isinstance(node, ast.BoolOp):
        if isinstance(node.op, ast.And):
            return all(_value(item, names) for item in node.values)
        return any(_value(item, names) for item in node.values)
    if isinstance(node, ast.UnaryOp):
        if isinstance(node.op, ast.Not):
            return not _value(node.operand, names)
        if isinstance(node.op, ast.USub):
            return -_value(node.operand, names)
    if isinstance(node, ast.BinOp) and type(node.op) in _BINARY:
        return _BINARY[type(node.op)](_value(node.left, names), _value(node.right, names))
    if isinstance(node, ast.Compare):
        left = _value(node.left, names)
        for comparison, right_node in zip(node.ops, node.comparators, strict=True):
            right = _value(right_node, names)
            if type(comparison) not in _COMPARE or not _COMPARE[type(comparison)](left, right):
                return False
            left = right
        return True
    if isinstance(node, ast.Subscript):
        return _value(node.value, names)[_index(node.slice, names)]
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and not node.keywords:
        function = names.get(node.func.id)
        if callable(function):
            return function(*(_value(argument, names) for argument in node.args))
        raise RuleSyntaxError(f"unknown function {node.func.id!r}")
    raise RuleSyntaxError(f"{ast.unparse(node)!r} is not part of the rule language")


def _index(node: ast.expr, names: Mapping[str, Any]) -> Any:
    if isinstance(node, ast.Slice):
        bounds = [None if bound is None else _value(bound, names) for bound in (node.lower, node.upper)]
        return slice(*bounds)
    return _value(node, names)
