"""The checkout as the house checks see it: its text files, its Python files parsed once, and what each one imports.

Invariant: a check reads only what is handed to it here, so that a planted tree is judged exactly like the real one.
"""

import ast
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

CODE_FOLDERS = ("protocol", "storage", "node")
PYTHON_FOLDERS = (*CODE_FOLDERS, "scripts", "tests")
TEXT_FOLDERS = (*PYTHON_FOLDERS, "docs", ".ci")
SKIPPED_FOLDERS = frozenset({"__pycache__", ".git"})
FILE_BYTES_MAX = 4 * 1024 * 1024


@dataclass(frozen=True)
class Breach:
    """One thing that does not keep a rule of the house."""

    place: str
    reason: str

    def __str__(self) -> str:
        return f"{self.place}: {self.reason}"


@dataclass(frozen=True)
class Import:
    """One imported module; `name` is set for `from module import name`."""

    line: int
    module: str
    name: str | None

    @property
    def target(self) -> str:
        return self.module if self.name is None else f"{self.module}.{self.name}"


@dataclass(frozen=True, repr=False)
class SourceFile:
    """One file of the tree; `path` is relative to the root, with slashes."""

    path: str
    text: str

    @property
    def folder(self) -> str:
        return self.path.rpartition("/")[0]

    @property
    def stem(self) -> str:
        return Path(self.path).stem

    @property
    def module(self) -> str:
        dotted = self.path.removesuffix(".py").replace("/", ".")
        return dotted.removesuffix(".__init__")

    @property
    def is_python(self) -> bool:
        return self.path.endswith(".py") or self.text.startswith("#!/usr/bin/env python")

    @property
    def is_code(self) -> bool:
        return self.is_python and self.path.startswith(tuple(f"{folder}/" for folder in CODE_FOLDERS))

    @cached_property
    def syntax(self) -> ast.Module:
        return ast.parse(self.text, filename=self.path)

    @cached_property
    def nodes(self) -> list[ast.AST]:
        return list(ast.walk(self.syntax))

    @cached_property
    def imports(self) -> list[Import]:
        return [found for node in self.nodes for found in _imports_of(node, self)]


def _imports_of(node: ast.AST, source: SourceFile) -> list[Import]:
    if isinstance(node, ast.Import):
        return [Import(node.lineno, alias.name, None) for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        module = _absolute_module(node, source)
        return [Import(node.lineno, module, alias.name) for alias in node.names]
    return []


def _absolute_module(node: ast.ImportFrom, source: SourceFile) -> str:
    if node.level == 0:
        return node.module or ""
    package = source.module.split(".") if source.path.endswith("__init__.py") else source.module.split(".")[:-1]
    base = package[: len(package) - (node.level - 1)]
    return ".".join([*base, *([node.module] if node.module else [])])


@dataclass(frozen=True, repr=False)
class SourceTree:
    """All files of one checkout, sorted by path."""

    root: Path
    files: tuple[SourceFile, ...]

    @cached_property
    def python(self) -> list[SourceFile]:
        return [source for source in self.files if source.is_python]

    @cached_property
    def code(self) -> list[SourceFile]:
        return [source for source in self.files if source.is_code]

    def text_of(self, path: str) -> str | None:
        return next((source.text for source in self.files if source.path == path), None)


def read_tree(root: Path) -> SourceTree:
    """Reads the folders of the house and the files beside them; what is not UTF-8 text is left out."""
    paths = [path for path in sorted(root.iterdir()) if path.is_file()]
    for folder in TEXT_FOLDERS:
        paths.extend(path for path in sorted((root / folder).rglob("*")) if path.is_file())
    sources = (_read_source(root, path) for path in paths if not SKIPPED_FOLDERS & set(path.parts))
    return SourceTree(root, tuple(source for source in sources if source is not None))


def _read_source(root: Path, path: Path) -> SourceFile | None:
    if path.stat().st_size > FILE_BYTES_MAX:
        return None
    try:
        return SourceFile(path.relative_to(root).as_posix(), path.read_text(encoding="utf-8"))
    except UnicodeDecodeError:
        return None
