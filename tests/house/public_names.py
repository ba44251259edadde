"""What a module shows is what others use: a function or class that only its own module mentions begins with `_`.

A class is shown too where something public takes it, gives it, holds it or is made of it.
"""

import ast
import re
from collections import Counter
from collections.abc import Iterator

from tests.house.source_tree import Breach, SourceFile, SourceTree

WORD = re.compile(r"[A-Za-z_]\w*")
MENTIONING = (".html", ".toml")
OWN_WORDS = ("dataclass", "cache", "lru_cache")
"""Decorators that register nothing: what they decorate is reached by its name alone."""

Defined = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def audit_public_names(tree: SourceTree) -> list[Breach]:
    """Functions and classes at the top of modules of code and scripts that no other file mentions."""
    mentioning: Counter[str] = Counter()
    for source in tree.files:
        if source.is_python or source.path.endswith(MENTIONING):
            mentioning.update(set(WORD.findall(source.text)))
    return [
        Breach(f"{source.path}:{part.lineno}", f"only this module mentions {part.name}: call it _{part.name}")
        for source in tree.python
        if source.path.endswith(".py") and not source.path.startswith("tests/")
        for part in _list_shown(source)
        if mentioning[part.name] == 1 and all(ast.unparse(one).startswith(OWN_WORDS) for one in part.decorator_list)
    ]


def _list_shown(source: SourceFile) -> Iterator[Defined]:
    body = source.syntax.body
    said = {name for part in body for name in _list_said(part)}
    for part in body:
        if isinstance(part, Defined) and not part.name.startswith("_") and part.name not in said | {"main"}:
            yield part


def _list_said(part: ast.stmt) -> set[str]:
    """The names in what one public thing shows: signatures, bases, fields, the value of a constant."""
    match part:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) if not name.startswith("_"):
            return _names_in(part.args) | _names_in(part.returns)
        case ast.ClassDef(name=name) if not name.startswith("_"):
            fields = [one.annotation for one in part.body if isinstance(one, ast.AnnAssign)]
            methods = [one for one in part.body if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)]
            shown = [one for one in methods if not one.name.startswith("_") or one.name == "__init__"]
            signatures = [shape for one in shown for shape in (one.args, one.returns)]
            return {name for shape in (*part.bases, *fields, *signatures) for name in _names_in(shape)}
        case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
            return set() if name.startswith("_") else _names_in(part)
    return set()


def _names_in(shape: ast.AST | None) -> set[str]:
    """Names in an annotation or value, those in quotes too."""
    nodes = list(ast.walk(shape)) if shape is not None else []
    quoted = [node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    return {node.id for node in nodes if isinstance(node, ast.Name)} | set(WORD.findall(" ".join(quoted)))
