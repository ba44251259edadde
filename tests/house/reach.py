"""What nothing reaches is not kept: a name that no code, no script, no template and no table of packages mentions.

A name that tests alone mention is reached by nothing either: what only a test needs stands among the tests.
"""

import ast
import re
from collections.abc import Iterator

from tests.house.source_tree import Breach, SourceFile, SourceTree

MENTIONING = (".html", ".toml")
WORD = re.compile(r"[A-Za-z_]\w*")
CALLED_BY_PYTEST = "pytest_"

FOR_OUTSIDERS = frozenset({"parse_delivery"})
"""Halves of a pair that others need of us: whoever gets a document of ours reads it with this."""


def audit_reach(tree: SourceTree) -> list[Breach]:
    """Names of modules and methods of classes that are defined in code or scripts and mentioned nowhere there.

    Decorated ones are reached through what decorates them; methods of a class with a base may be the base's to call.
    """
    code = [source for source in tree.python if not source.path.startswith("tests/")]
    mentioned = {name for source in code for name in _list_mentioned(source)} | FOR_OUTSIDERS
    for source in tree.files:
        if not source.is_python and source.path.endswith(MENTIONING):
            mentioned.update(WORD.findall(source.text))
    return [
        Breach(f"{source.path}:{line}", f"{name} is reached by nothing but tests, if by them: delete or move it")
        for source in code
        for line, name in _list_defined(source)
        if name not in mentioned and not name.startswith(("__", CALLED_BY_PYTEST))
    ]


def _list_mentioned(source: SourceFile) -> Iterator[str]:
    for node in source.nodes:
        match node:
            case ast.Name(id=name, ctx=ast.Load()) | ast.Attribute(attr=name) | ast.keyword(arg=str(name)):
                yield name
            case ast.Constant(value=str(name)) if name.isidentifier():
                yield name


def _list_defined(source: SourceFile) -> Iterator[tuple[int, str]]:
    for node in source.syntax.body:
        match node:
            case ast.ClassDef(name=name, bases=bases, body=body):
                yield node.lineno, name
                for part in () if bases else body:
                    if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef) and not part.decorator_list:
                        yield part.lineno, part.name
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) if not node.decorator_list:
                yield node.lineno, name
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                yield node.lineno, name
