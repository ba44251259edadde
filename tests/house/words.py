"""What must stand in a file and what must not: docstrings and good names; no marks, machine paths or index addresses.

The banned words are put together from halves, so that this file does not breach its own rule.
"""

import ast
import re

from tests.house.sizes import functions_of
from tests.house.source_tree import Breach, SourceFile, SourceTree

UNFINISHED = re.compile(r"\b(" + "|".join(["TO" + "DO", "FIX" + "ME", "X" + "XX"]) + r")\b")
UNFINISHED_IN_CODE = re.compile(r"\b(for " + r"now|place" + r"holder|raise NotImplemented" + r"Error)\b", re.IGNORECASE)
MACHINE_PATH = re.compile(r"(?<![\w.$}/~-])/(work|tm" + r"p|root|home/\w+|Users/\w+|mnt)/\w")
INDEX_ADDRESS = re.compile(
    r"pypi\.o" + r"rg/simple|files\.pythonho" + r"sted|--(extra-)?index-u" + r"rl[ =]\S|--find-li" + r"nks[ =]\S"
    r"|--trusted-ho" + r"st[ =]\S|/simple/\w"
)
BANNED_NAMES = frozenset({"utils", "util", "helpers", "helper", "common", "base", "manager", "service", "data", "info"})
PRINTING_FOLDERS = ("node/cli/", "scripts/")
BARE_IGNORE = re.compile(r"#\s*type:\s*ig" + r"nore(?!\[)")


def audit_docstrings(tree: SourceTree) -> list[Breach]:
    """Modules of code and of the house that do not say in their first line what they are."""
    return [
        Breach(source.path, "has no module docstring")
        for source in tree.python
        if source.text.strip() and not ast.get_docstring(source.syntax) and not source.path.startswith("tests/")
    ]


def audit_names(tree: SourceTree) -> list[Breach]:
    """Files and folders named by what everything is, and parameters of one letter."""
    breaches = []
    for source in tree.python:
        for part in source.path.removesuffix(".py").split("/"):
            if part in BANNED_NAMES:
                breaches.append(Breach(source.path, f"{part!r} says nothing: name it by its noun in the domain"))
    for source in tree.code:
        breaches.extend(_audit_parameters(source))
    return breaches


def _audit_parameters(source: SourceFile) -> list[Breach]:
    breaches = []
    for function in functions_of(source):
        arguments = function.args
        for argument in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs):
            if len(argument.arg) == 1 and argument.arg != "_":
                place = f"{source.path}:{function.lineno}"
                breaches.append(Breach(place, f"{function.name} has a parameter of one letter: {argument.arg}"))
    return breaches


def audit_marks(tree: SourceTree) -> list[Breach]:
    """Marks of unfinished work, and bare exemptions from the type check."""
    breaches = []
    for source in tree.files:
        breaches.extend(_audit_lines(source, UNFINISHED, "marks unfinished work"))
        if source.is_python:
            breaches.extend(_audit_lines(source, UNFINISHED_IN_CODE, "marks unfinished work"))
            breaches.extend(_audit_lines(source, BARE_IGNORE, "exempts from the type check without saying which rule"))
    return breaches


def audit_machine_traces(tree: SourceTree) -> list[Breach]:
    """Paths of one machine and addresses of package indexes, in any text file."""
    breaches = []
    for source in tree.files:
        breaches.extend(_audit_lines(source, MACHINE_PATH, "names a path of one machine"))
        breaches.extend(_audit_lines(source, INDEX_ADDRESS, "names a package index"))
    return breaches


def _audit_lines(source: SourceFile, pattern: re.Pattern[str], reason: str) -> list[Breach]:
    return [
        Breach(f"{source.path}:{number}", f"{reason}: {found.group(0)!r}")
        for number, line in enumerate(source.text.splitlines(), start=1)
        if (found := pattern.search(line))
    ]


def audit_printing(tree: SourceTree) -> list[Breach]:
    """Calls of print() outside the command line: everything else returns, logs or raises."""
    return [
        Breach(f"{source.path}:{node.lineno}", "prints; only node/cli and scripts do")
        for source in tree.python
        if not source.path.startswith((*PRINTING_FOLDERS, "tests/"))
        for node in source.nodes
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    ]
