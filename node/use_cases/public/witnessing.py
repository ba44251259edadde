"""Being a witness for any log of the federation that asks over the web, with or without a session between the nodes.

Invariant: there is one witness, however it is asked: what it signed last is one row, and only `cosign` moves it.
Invariant: a signed head that contradicts what the log signed before is kept as evidence, never cosigned.
Spec: docs/spec/log/mirror.md (c2sp.org/tlog-witness)
"""

import contextlib

from node.use_cases.context import Node
from node.use_cases.cosign import answer_checkpoint
from node.use_cases.fork_watch import Evidence, admit_evidence, admit_later_head, judge_note
from protocol.core.errors import PeerError
from protocol.log.mirror import mirror_prefix
from protocol.log.witness import BAD_REQUEST, Verdict, parse_add_checkpoint
from storage.log import fork_cuts
from storage.log.cosignatures import witnessed_note


async def add_checkpoint(node: Node, raw: bytes) -> Verdict:
    """The witness's answer to the body of an add-checkpoint request."""
    try:
        request = parse_add_checkpoint(raw)
    except PeerError as error:
        return Verdict(BAD_REQUEST, f"{error.reason}\n")
    verdict = await answer_checkpoint(node, request)
    await keep_later_head(node, request.checkpoint.origin, request.note)
    if verdict.is_evidence:
        shown = show_checkpoint(node, mirror_prefix(request.checkpoint.origin))
        await keep_contradiction(node, request.checkpoint.origin, request.note, shown)
    return verdict


def show_checkpoint(node: Node, prefix: str) -> bytes | None:
    """The newest head cosigned of the log whose origin has this hash, with the log's signature and both of ours."""
    return witnessed_note(node.database.reader, prefix)


async def keep_later_head(node: Node, origin: str, note: bytes) -> None:
    """Keep a head that a log which has ended asks to have signed: that its key is still used is evidence."""
    if fork_cuts.retired_at(node.database.reader, origin) is not None:
        with contextlib.suppress(PeerError):
            await admit_later_head(node, origin, note)


async def keep_contradiction(node: Node, origin: str, note: bytes, earlier: bytes | None) -> None:
    """Keep two signed heads that no log can both have had, where what is here is enough to show it.

    The note of a log that contradicts the entries held here, or an `earlier` note of the same size.
    """
    try:
        await judge_note(node, origin, note)
        if earlier is not None:
            await admit_evidence(node, Evidence(origin, earlier, note, b""))
    except PeerError:
        # Nothing that could be shown to others: of another size, and the entries that would prove it are not here.
        node.log.info("contradiction_not_provable", origin=origin)
