"""What the pure half may use, and who alone reads the clock and the dice.

Invariants: `protocol/` does no I/O, reads no clock and draws no random number; in the rest of the house only
`node/clock.py` does the last two, so that a run can be replayed.
"""

import ast
import sys

from tests.house.source_tree import Breach, SourceFile, SourceTree

# A list of what is allowed, since nobody can list all that is not.
# fmt: off
PURE_STANDARD = frozenset({
    "__future__", "abc", "base64", "binascii", "bisect", "collections", "contextlib", "copy", "dataclasses",
    "datetime", "decimal", "enum", "fractions", "functools", "hashlib", "heapq", "hmac", "io", "ipaddress",
    "itertools", "json", "math", "operator", "re", "string", "struct", "textwrap", "types", "typing",
    "unicodedata", "urllib.parse", "zlib",
})
# fmt: on
PURE_THIRD_PARTY = frozenset({"cryptography", "msgpack", "msgspec", "nacl", "networkx", "numpy"})
IO_CALLS = frozenset({"open", "print", "input", "breakpoint", "exec", "eval", "__import__"})
# Attributes that reach a clock or a source of randomness through an allowed module.
CLOCK_ATTRIBUTES = frozenset({"now", "utcnow", "today"})
RANDOM_ATTRIBUTES = frozenset({"urandom", "token_bytes", "token_hex", "uuid4", "uuid1", "default_rng"})
# `.generate()` without arguments makes a random key; with a seed it is an ordinary function.
SEEDLESS_ATTRIBUTES = frozenset({"generate"})
FILE_ATTRIBUTES = frozenset({"fromfile", "tofile", "memmap", "loadtxt", "savetxt", "genfromtxt"})
CLOCK_MODULES = frozenset({"time", "random", "secrets", "uuid"})
CLOCK_FILE = "node/clock.py"
# A seeded generator is no dice: the simulation may use random.Random(seed) and nothing else of that module.
SEEDED_FOLDER = "node/simulation/"
SEEDED_IMPORT = "random.Random"


def audit_purity(tree: SourceTree) -> list[Breach]:
    """Imports, calls and attributes in `protocol/` that would make its rules depend on the machine."""
    breaches = []
    for source in tree.code:
        if source.path.startswith("protocol/"):
            breaches.extend(_audit_pure_imports(source))
            breaches.extend(_audit_io_calls(source))
            breaches.extend(
                _audit_attributes(source, CLOCK_ATTRIBUTES | RANDOM_ATTRIBUTES | FILE_ATTRIBUTES, "is not pure")
            )
    return breaches


def audit_clock(tree: SourceTree) -> list[Breach]:
    """Reads of time or randomness in `storage/` and `node/` outside the one file that may."""
    breaches = []
    for source in tree.code:
        if source.path == CLOCK_FILE or source.path.startswith("protocol/"):
            continue
        for found in source.imports:
            is_seeded = source.path.startswith(SEEDED_FOLDER) and found.target == SEEDED_IMPORT
            if found.module.split(".")[0] in CLOCK_MODULES and not is_seeded:
                place = f"{source.path}:{found.line}"
                breaches.append(Breach(place, f"imports {found.target}: only {CLOCK_FILE} reads time and randomness"))
        breaches.extend(_audit_attributes(source, CLOCK_ATTRIBUTES | RANDOM_ATTRIBUTES, f"is for {CLOCK_FILE} alone"))
    return breaches


def _audit_pure_imports(source: SourceFile) -> list[Breach]:
    breaches = []
    for found in source.imports:
        top = found.module.split(".")[0]
        is_pure = top in PURE_STANDARD or found.module in PURE_STANDARD or top in PURE_THIRD_PARTY or top == "protocol"
        if not is_pure:
            origin = "standard library" if top in sys.stdlib_module_names else "third party"
            breaches.append(Breach(f"{source.path}:{found.line}", f"imports {found.target} ({origin}), not pure"))
        elif found.target.startswith(("nacl.utils.random", "numpy.random")):
            breaches.append(Breach(f"{source.path}:{found.line}", f"imports {found.target}, which draws at random"))
    return breaches


def _audit_io_calls(source: SourceFile) -> list[Breach]:
    return [
        Breach(f"{source.path}:{node.lineno}", f"calls {node.func.id}(), not pure")
        for node in source.nodes
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in IO_CALLS
    ]


def _audit_attributes(source: SourceFile, banned: frozenset[str], reason: str) -> list[Breach]:
    return [
        Breach(f"{source.path}:{node.lineno}", f".{node.func.attr}() {reason}")
        for node in source.nodes
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and _is_banned(node, node.func.attr, banned)
    ] + [
        Breach(f"{source.path}:{node.lineno}", f"numpy's .random {reason}")
        for node in source.nodes
        if isinstance(node, ast.Attribute)
        and node.attr == "random"
        and isinstance(node.value, ast.Name)
        and node.value.id in {"np", "numpy"}
    ]


def _is_banned(call: ast.Call, attribute: str, banned: frozenset[str]) -> bool:
    has_arguments = bool(call.args or call.keywords)
    return attribute in banned or (attribute in SEEDLESS_ATTRIBUTES and not has_arguments)
