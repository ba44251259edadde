"""A home whose log is long enough to have bundles, tiles and a right edge, with entries of no meaning."""

from collections.abc import Sequence
from functools import partial

from node.use_cases.context import Node
from protocol.core.identity import generate
from protocol.core.note import ED25519, format_vkey
from protocol.log.checkpoint import sign_checkpoint
from storage.log import log_store


def grow(node: Node, entries: Sequence[bytes]) -> None:
    """Append to a home's own log under its own key, without the records' rules."""
    sign = partial(sign_checkpoint, log_key=generate(node.keys.log))
    node.database.write_and_wait(lambda db: log_store.append(db, node.origin, entries, sign))


def fill(node: Node, size: int, word: str = "entry") -> None:
    """Grow a home's log to this size."""
    head = log_store.head(node.database.reader, node.origin)
    assert head is not None
    grow(node, [f"{word} {index}".encode() for index in range(head.size, size)])


def vkey_of(node: Node) -> str:
    """The verifier key of a home's log."""
    return format_vkey(node.origin, ED25519, generate(node.keys.log).public)
