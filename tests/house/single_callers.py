"""What has one caller only: signing a head, cosigning it, moving a replica's head (docs/ARCHITECTURE.md, invariant 5).

Invariant: only `publish` signs checkpoints and appends to the own log, only `cosign` cosigns, only `receive` admits
what a peer sent. A name counts wherever it stands, imported, called or handed on.
"""

import ast
from dataclasses import dataclass

from tests.house.sizes import functions_of
from tests.house.source_tree import Breach, SourceFile, SourceTree

PUBLISH = "node/use_cases/publish.py"
COSIGN = "node/use_cases/cosign.py"
RECEIVE = "node/use_cases/receive.py"
MIRRORING = "node/use_cases/public/mirroring.py"
IMPORTING = "node/use_cases/log/importing.py"
# The logs of a simulated federation, with keys that are no home's.
MADE_UP = "node/simulation/overlay/archive.py"


@dataclass(frozen=True)
class Sole:
    """`name`, defined in `module`, may be used in `callers` and nowhere else in node/ and storage/."""

    module: str
    name: str
    callers: tuple[str, ...]


SOLE_CALLERS = (
    Sole("protocol.log.checkpoint", "sign_checkpoint", (PUBLISH, MADE_UP)),
    Sole("protocol.log.cosignature", "sign_cosignature", (COSIGN,)),
    Sole("protocol.log.cosignature", "sign_mldsa44_cosignature", (COSIGN,)),
    Sole("storage.log.log_store", "append", (PUBLISH,)),
    Sole("storage.log.log_store", "extend", (RECEIVE,)),
    Sole("storage.log.log_store", "store_bundles", (RECEIVE,)),
    Sole("storage.log.cosignatures", "set_cosigned", (COSIGN,)),
    Sole("storage.log.cosignatures", "set_witnessed_note", (COSIGN,)),
    Sole("storage.log.cosignatures", "set_pending_heads", (COSIGN, MIRRORING)),
    Sole("node.use_cases.cosign", "sign_as_mirror", (MIRRORING,)),
    Sole("node.use_cases.receive", "store_proven", (MIRRORING, IMPORTING)),
)

# The secret keys of a home, as a use case reaches them (`node.keys.log`), and who may.
KEY_USERS = {
    "log": (PUBLISH,),
    "witness": (COSIGN,),
    "mirror": (COSIGN,),
    "witness_mldsa44": (COSIGN,),
    "mirror_mldsa44": (COSIGN,),
}
KEY_HOLDERS = ("node.keys", "self.node.keys", "self._node.keys")


def audit_single_callers(tree: SourceTree) -> list[Breach]:
    """Uses of a guarded function outside the one file that may use it."""
    breaches = []
    for source in tree.code:
        for sole in SOLE_CALLERS:
            if source.path in sole.callers or source.module == sole.module:
                continue
            breaches.extend(_uses_of(sole, source))
    return breaches


def audit_key_users(tree: SourceTree) -> list[Breach]:
    """Reads of a home's log, witness or mirror key outside the file that signs with it."""
    return [
        Breach(
            f"{source.path}:{node.lineno}", f"reads the {node.attr} key, for {' and '.join(KEY_USERS[node.attr])} alone"
        )
        for source in tree.code
        for node in source.nodes
        if isinstance(node, ast.Attribute)
        and node.attr in KEY_USERS
        and source.path not in KEY_USERS[node.attr]
        and ast.unparse(node.value) in KEY_HOLDERS
    ]


def audit_guarded_names(tree: SourceTree) -> list[Breach]:
    """Guarded functions that are no longer where the table says: a check of nothing."""
    breaches = []
    for sole in SOLE_CALLERS:
        path = sole.module.replace(".", "/") + ".py"
        source = next((found for found in tree.files if found.path == path), None)
        if source is not None and sole.name not in {function.name for function in functions_of(source)}:
            breaches.append(Breach(path, f"has no {sole.name}, which tests/house/single_callers.py guards"))
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
