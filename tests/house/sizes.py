"""How long a file or a function may be and how full a folder: what fits in a head.

The limits are those of the house; a function's docstring is not counted.
"""

import ast
from collections import Counter

from tests.house.source_tree import Breach, SourceFile, SourceTree

FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 50
FOLDER_FILES_MAX = 14


def audit_file_sizes(tree: SourceTree) -> list[Breach]:
    """Python files with more than FILE_LINES_MAX lines."""
    return [
        Breach(source.path, f"{len(source.text.splitlines())} lines, at most {FILE_LINES_MAX}")
        for source in tree.python
        if len(source.text.splitlines()) > FILE_LINES_MAX
    ]


def audit_function_sizes(tree: SourceTree) -> list[Breach]:
    """Functions and methods with more than FUNCTION_LINES_MAX lines."""
    breaches = []
    for source in tree.python:
        for function in functions_of(source):
            lines = _lines_of(function)
            if lines > FUNCTION_LINES_MAX:
                place = f"{source.path}:{function.lineno}"
                breaches.append(Breach(place, f"{function.name} has {lines} lines, at most {FUNCTION_LINES_MAX}"))
    return breaches


def audit_folder_sizes(tree: SourceTree) -> list[Breach]:
    """Folders of code with more than FOLDER_FILES_MAX Python files (`__init__.py` not counted)."""
    counts = Counter(source.folder for source in tree.python if source.stem != "__init__")
    return [
        Breach(folder, f"{count} files, at most {FOLDER_FILES_MAX}: split it")
        for folder, count in sorted(counts.items())
        if count > FOLDER_FILES_MAX
    ]


def functions_of(source: SourceFile) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    """All functions and methods of a file, nested ones too."""
    return [node for node in source.nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


def _lines_of(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    lines = (function.end_lineno or function.lineno) - function.lineno + 1
    if ast.get_docstring(function) is None:
        return lines
    docstring = function.body[0]
    return lines - ((docstring.end_lineno or docstring.lineno) - docstring.lineno + 1)
