"""What all machines of a process would compute alike from the same bytes is computed once: pure functions, remembered.

Invariant: only functions of bytes stand here, whose answers nobody changes; what a disk, a road or a life makes of a
machine is computed by that machine.
Spec: docs/spec/simulation.md
"""

import importlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, lru_cache
from typing import Any, Final

FEW: Final = 256
"""Whole bundles, each up to some hundred records, and certificates."""
RECORDS: Final = 32_768
SHARED: Final = (
    ("protocol.log.bundle", "parse_bundle", FEW),
    ("storage.log.record_index", "index_entry", RECORDS),
    ("storage.log.record_index", "read_entry", RECORDS),
    ("protocol.core.identity", "verify", RECORDS),
    ("protocol.federation.peer_card", "check_certificate", FEW),
    ("node.use_cases.peers", "make_certificate", FEW),
    ("node.peering.contexts", "make_certificate", FEW),
    ("node.simulation.world.machine", "make_certificate", FEW),
)
"""(module that calls it, name, how many answers are remembered)."""


@contextmanager
def share_work() -> Iterator[None]:
    """Have what is in SHARED remembered, for the time of a run."""
    kept = []
    for module_name, name, answers in SHARED:
        module = importlib.import_module(module_name)
        kept.append((module, name, getattr(module, name)))
        setattr(module, name, remember(getattr(module, name), answers))
    try:
        yield
    finally:
        for module, name, real in reversed(kept):
            setattr(module, name, real)


@cache
def remember(function: Callable[..., Any], answers: int) -> Callable[..., Any]:
    """The same function, which answers what it was asked before from memory; the same object for the same function."""
    return lru_cache(answers)(function)
