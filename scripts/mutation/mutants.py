"""The small faults that are planted into a module: one changed operator, number, order of arguments or statement.

Invariant: the same source gives the same mutants under the same names, wherever its lines stand.
"""

import ast
from collections import Counter
from collections.abc import Iterator
from typing import Final, NamedTuple

_COMPARISONS: Final[dict[type[ast.cmpop], type[ast.cmpop]]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}
_OPERATORS: Final[dict[type[ast.operator], type[ast.operator]]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.FloorDiv: ast.Mult,
    ast.Div: ast.Mult,
    ast.Mod: ast.FloorDiv,
    ast.Pow: ast.Mult,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.BitXor: ast.BitAnd,
}
# Negating these says the same as their operator turned round.
_TURNED_ROUND = (ast.Eq, ast.NotEq, ast.In, ast.NotIn, ast.Is, ast.IsNot)
# Words for people and types are no behaviour; `strict=` guards what cannot happen.
_LEFT_ALONE_FIELDS = frozenset({"annotation", "returns", "decorator_list", "exc"})
# Of these the first two arguments may stand either way round.
_WITHOUT_ORDER = frozenset({"max", "min", "maximum", "minimum", "compare_digest"})
_TEXT_LENGTH_MAX = 70


class Mutant(NamedTuple):
    """One planted fault: its name, the line it stands on (0 outside functions), and where in the tree it goes."""

    name: str
    line: int
    parent: ast.AST
    field: str
    place: int | None
    replacement: ast.AST

    def plant(self) -> None:
        """Change the tree for good."""
        if self.place is None:
            setattr(self.parent, self.field, self.replacement)
        else:
            getattr(self.parent, self.field)[self.place] = self.replacement


def find_mutants(tree: ast.Module) -> list[Mutant]:
    """Every mutant of a parsed module, in the order of the source."""
    seen: Counter[str] = Counter()
    found = []
    for scope, parent, field, place, node in _walk(tree, ""):
        for replacement in _replace(parent, field, node):
            if ast.unparse(replacement) == ast.unparse(node):
                continue
            ast.copy_location(replacement, node)
            ast.fix_missing_locations(replacement)
            name = f"{scope or 'module'}: {_text_of(node)} -> {_text_of(replacement)}"
            seen[name] += 1
            numbered = name if seen[name] == 1 else f"{name} #{seen[name]}"
            # What a parameter is when nothing is given is settled when the module is loaded.
            is_run = scope and not isinstance(parent, ast.arguments)
            line = getattr(node, "lineno", 0) if is_run else 0
            found.append(Mutant(numbered, line, parent, field, place, replacement))
    return found


def _walk(node: ast.AST, scope: str) -> Iterator[tuple[str, ast.AST, str, int | None, ast.AST]]:
    """(function, parent, field, place in the field, node) of all nodes that behaviour depends on."""
    for field, value in ast.iter_fields(node):
        if field in _LEFT_ALONE_FIELDS or (isinstance(node, ast.ClassDef) and field == "keywords"):
            continue
        children = enumerate(value) if isinstance(value, list) else [(None, value)]
        for place, child in children:
            if not isinstance(child, ast.AST) or _is_left_alone(child):
                continue
            yield scope, node, field, place, child
            yield from _walk(child, _scope_within(scope, child))


def _is_left_alone(node: ast.AST) -> bool:
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.keyword) and node.arg == "strict")


def _scope_within(scope: str, node: ast.AST) -> str:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return f"{scope}.{node.name}".lstrip(".")
    return scope


def _replace(parent: ast.AST, field: str, node: ast.AST) -> Iterator[ast.AST]:
    match node:
        case ast.Compare():
            yield from _turn_comparisons(node)
        case ast.BoolOp(op, values):
            yield ast.BoolOp(ast.Or() if isinstance(op, ast.And) else ast.And(), values)
        case ast.BinOp(left, operator, right) if type(operator) in _OPERATORS:
            yield ast.BinOp(left, _OPERATORS[type(operator)](), right)
        case ast.UnaryOp(ast.Not() | ast.USub(), operand):
            yield operand
        case ast.Constant(bool(flag)):
            yield ast.Constant(not flag)
        case ast.Constant(int(number)):
            yield from (ast.Constant(number + 1), ast.Constant(number - 1))
        case ast.Call(function, [first, second, *others], keywords) if _has_order(function, second):
            yield ast.Call(function, [second, first, *others], keywords)
        case ast.Return(ast.expr() as value) if not (isinstance(value, ast.Constant) and not value.value):
            yield ast.Return(ast.Constant(None))
        case ast.Raise() | ast.AugAssign() | ast.Continue() | ast.Break() | ast.Expr(ast.Call() | ast.Await()):
            yield ast.Pass()
        case ast.Assign([ast.Subscript() | ast.Attribute()]):
            yield ast.Pass()
    if (field == "test" and not isinstance(parent, ast.While)) or field == "ifs":
        yield from _negate(node)


def _has_order(function: ast.expr, second: ast.expr) -> bool:
    return not isinstance(second, ast.Starred) and ast.unparse(function).rpartition(".")[2] not in _WITHOUT_ORDER


def _turn_comparisons(node: ast.Compare) -> Iterator[ast.AST]:
    for place, operator in enumerate(node.ops):
        operators = list(node.ops)
        operators[place] = _COMPARISONS[type(operator)]()
        yield ast.Compare(node.left, operators, node.comparators)


def _negate(test: ast.AST) -> Iterator[ast.AST]:
    match test:
        case ast.UnaryOp(ast.Not()):
            return
        case ast.Compare(ops=[only]) if isinstance(only, _TURNED_ROUND):
            return
        case ast.expr():
            yield ast.UnaryOp(ast.Not(), test)


def _text_of(node: ast.AST) -> str:
    text = " ".join(ast.unparse(node).split())
    return text if len(text) <= _TEXT_LENGTH_MAX else text[:_TEXT_LENGTH_MAX] + "…"
