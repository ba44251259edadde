"""What has one caller only: signing a head, cosigning it, moving a replica's head (docs/ARCHITECTURE.md, invariant 5).

Invariant: only `publish` signs checkpoints and appends to the own log, only `cosign` cosigns, only `receive` admits
what a peer sent. A name counts wherever it stands, imported, called or handed on.
"""

import ast
from dataclasses import dataclass

from tests.house.source_tree import Breach, SourceFile, SourceTree

PUBLISH = "node/use_cases/publish.py"
COSIGN = "node/use_cases/cosign.py"
RECEIVE = "node/use_cases/receive.py"


@dataclass(frozen=True)
class Sole:
    """`name`, defined in `module`, may be used in `callers` and nowhere else in node/ and storage/."""

    module: str
    name: str
    callers: tuple[str, ...]


SOLE_CALLERS = (
    Sole("protocol.log.checkpoint", "sign_checkpoint", (PUBLISH,)),
    Sole("protocol.log.cosignature", "sign_cosignature", (COSIGN,)),
    Sole("storage.log_store", "append", (PUBLISH,)),
    Sole("storage.log_store", "extend", (RECEIVE,)),
    Sole("storage.log_store", "store_bundles", (RECEIVE,)),
    Sole("storage.cosignatures", "set_cosigned", (COSIGN,)),
)


def audit_single_callers(tree: SourceTree) -> list[Breach]:
    """Uses of a guarded function outside the one file that may use it."""
    breaches = []
    for source in tree.code:
        for sole in SOLE_CALLERS:
            if source.path in sole.callers or source.module == sole.module:
                continue
            breaches.extend(_uses_of(sole, source))
    return breaches


def _uses_of(sole: Sole, source: SourceFile) -> list[Breach]:
    reason = f"uses {sole.module}.{sole.name}, which is for {' and '.join(sole.callers)} alone"
    imported = [found.line for found in source.imports if found.target == f"{sole.module}.{sole.name}"]
    aliases = _aliases_of(sole.module, source)
    reached = [
        node.lineno
        for node in source.nodes
        if isinstance(node, ast.Attribute) and node.attr == sole.name and ast.unparse(node.value) in aliases
    ]
    return [Breach(f"{source.path}:{line}", reason) for line in (*imported, *reached)]


def _aliases_of(module: str, source: SourceFile) -> set[str]:
    """The names by which a file knows a module: `import a.b`, `from a import b`, `... as c`."""
    aliases: set[str] = set()
    for node in source.nodes:
        if isinstance(node, ast.Import):
            aliases.update(alias.asname or alias.name for alias in node.names if alias.name == module)
        elif isinstance(node, ast.ImportFrom):
            parent = node.module or ""
            aliases.update(alias.asname or alias.name for alias in node.names if f"{parent}.{alias.name}" == module)
    return aliases
