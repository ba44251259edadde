"""Who may import whom: the table of layers (docs/ARCHITECTURE.md, "Code map").

Invariant: imports run one way, core <- log <- {gossip, federation} <- areas <- joint <- record_kinds <- storage
<- use cases <- {peering, web, simulation} <- app <- command line and scripts; areas and edges never import one another.
Invariant: no import is part of a circle, not even for the type checker alone.
"""

from tests.house.source_tree import Breach, SourceFile, SourceTree

AREAS = ("supply", "planning", "books", "trade", "governance", "commons")
GROUND = ("protocol.core",)
LOG = (*GROUND, "protocol.log")
AREA_GROUND = (*LOG, "protocol.federation")
NODE_GROUND = ("protocol", "storage", "node.config", "node.clock", "node.till")
EDGE_GROUND = (*NODE_GROUND, "node.modules", "node.use_cases", "node.operations")

# Longest prefix wins. A layer may always import itself; "protocol" alone means all of it.
ALLOWED: dict[str, tuple[str, ...]] = {
    "protocol.core": (),
    "protocol.log": GROUND,
    "protocol.gossip": LOG,
    "protocol.federation": LOG,
    **{f"protocol.{area}": AREA_GROUND for area in AREAS},
    "protocol.joint": (*AREA_GROUND, *(f"protocol.{area}" for area in AREAS)),
    "protocol.record_kinds": (*AREA_GROUND, "protocol.joint", *(f"protocol.{area}" for area in AREAS)),
    "storage": ("protocol",),
    "node.clock": (),
    "node.config": (*GROUND, "storage.disk"),
    "node.running": (*GROUND, "storage.disk"),
    "node.till": ("protocol", "node.config"),
    "node.solvers": ("protocol",),
    "node.use_cases": (*NODE_GROUND, "node.solvers"),
    "node.modules": (),
    "node.operations": (*NODE_GROUND, "node.modules", "node.use_cases"),
    "node.peering": EDGE_GROUND,
    "node.web": EDGE_GROUND,
    # The demo drives nodes from outside, as commands do.
    "node.simulation": (*EDGE_GROUND, "node.running"),
    # A world in virtual time runs the real sessions on roads of its own.
    "node.simulation.world": (*EDGE_GROUND, "node.peering"),
    "node.app": (*EDGE_GROUND, "node.running", "node.peering", "node.web", "node.simulation"),
    "node.cli": ("protocol", "storage", "node"),
}
OURS = ("protocol", "storage", "node", "tests")


def audit_layers(tree: SourceTree) -> list[Breach]:
    """Every import from a layer that the table does not allow, and every file that belongs to no layer."""
    breaches = []
    for source in tree.code:
        if source.module in OURS:
            continue
        layer = layer_of(source.module)
        if layer is None:
            breaches.append(Breach(source.path, "belongs to no layer of the table in tests/house/layers.py"))
            continue
        for found in source.imports:
            if _is_ours(found.module) and not _is_allowed(layer, found.target):
                breaches.append(Breach(f"{source.path}:{found.line}", f"{layer} may not import {found.target}"))
    return breaches


def audit_circles(tree: SourceTree) -> list[Breach]:
    """Every import that is part of a circle, be it for the type checker alone: neither side can be read by itself."""
    modules = {source.module for source in tree.code}
    leans = {source.module: _list_leans(source, modules) for source in tree.code}
    left = modules
    while free := {one for one in left if not leans[one] & left or not any(one in leans[other] for other in left)}:
        left = left - free
    return [
        Breach(one.path, f"imports {target} and is imported by it, perhaps by way of others")
        for one in tree.code
        if one.module in left
        for target in sorted(leans[one.module] & left)
    ]


def _list_leans(source: SourceFile, modules: set[str]) -> set[str]:
    """The modules of ours that a file imports; a package counts where a name of its own is meant."""
    return {one.target if one.target in modules else one.module for one in source.imports} & modules


def layer_of(module: str) -> str | None:
    """The layer that a module belongs to, None when the table knows none."""
    fitting = [layer for layer in ALLOWED if _is_within(module, layer)]
    return max(fitting, key=len, default=None)


def _is_allowed(layer: str, target: str) -> bool:
    return any(_is_within(target, prefix) for prefix in (layer, *ALLOWED[layer]))


def _is_within(module: str, prefix: str) -> bool:
    return module == prefix or module.startswith(f"{prefix}.")


def _is_ours(module: str) -> bool:
    return module.split(".")[0] in OURS
