"""A committee member signs on a device of their own: the node writes the words, and takes them back signed.

Invariant: this node never holds a member's key; it embeds a statement only after its signature has been verified.
Invariant: a member's note stays on this node; the log holds a commitment to it.
"""

import msgspec

from node.use_cases.context import Node
from node.use_cases.publish import publish_statement
from node.use_cases.supply.board import Board, read_product_board, read_proposal_board
from node.use_cases.supply.drafts import SignedStatement, StatementParams
from node.use_cases.supply.publishing import write_approval
from node.use_cases.supply.views import PriceView, describe_price
from protocol.core.commitment import SALT_BYTES, Opening, commit_opening, format_opening
from protocol.core.encoding import to_struct, to_value
from protocol.core.errors import RefusedError, refuse
from protocol.core.identity import key_id
from protocol.core.record import (
    NONCE_BYTES,
    Reference,
    Statement,
    embed_statement,
    format_record,
    format_statement,
    leaf_hash_of,
    parse_record,
    parse_statement,
)
from protocol.federation.scopes import AUDITORS, PUBLIC
from protocol.supply.facts import Filed
from protocol.supply.openings import hide_note
from protocol.supply.price_agreement import APPROVAL_KIND, COMMITTEE_ROLE, PriceApproval, PriceProposal, check_approval
from protocol.supply.signatures import find_unsigned
from protocol.supply.texts import TEXT_LENGTH_MAX, audit_text
from storage.log import log_store
from storage.private.openings import KeptOpening, keep_openings

# A note is for the committee and the other party's office, not for the members at large.
NOTE_SCOPE = AUDITORS


class ToSign(msgspec.Struct, frozen=True, kw_only=True):
    """What goes to the member's device: the statement's exact bytes, and the two entries that it names, to be read."""

    statement: bytes
    proposal: bytes
    disclosure: bytes


async def write_statement(node: Node, params: StatementParams) -> ToSign:
    """The exact bytes that a committee member signs, with the entries they are about; the opening of a note is kept.
    RefusedError where the key has no seat, or the statement would not count."""
    board = read_proposal_board(node, bytes.fromhex(params.proposal))
    filed = board.proposal(bytes.fromhex(params.proposal))
    member = key_id(bytes.fromhex(params.key))
    _check_seat(node, board, filed, member)
    opening = _write_note(node, params.note)
    commitment = None if opening is None else commit_opening(opening)
    approval = write_approval(board, filed, params.refuse, commitment)
    read = board.facts.current_disclosure((filed.body.maker, filed.body.product))
    assert read is not None
    if opening is not None and commitment is not None:
        kept = KeptOpening(NOTE_SCOPE, format_opening(opening))
        await node.database.write(lambda db: keep_openings(db, [(commitment, kept)]))
    statement = Statement(
        kind=APPROVAL_KIND,
        at=node.clock.now_ms(),
        by=member,
        audience=node.origin,
        nonce=node.clock.random_bytes(NONCE_BYTES),
        refs=tuple(Reference(each.origin, each.index, each.leaf) for each in (filed, read)),
        body=to_value(approval),
    )
    entries = [_read_entry(node, each.origin, each.index) for each in (filed, read)]
    return ToSign(statement=format_statement(statement), proposal=entries[0], disclosure=entries[1])


async def submit_approval(node: Node, params: SignedStatement) -> PriceView:
    """Embed a member's signed statement in our log (supply.price_approval). RefusedError unless it will count."""
    statement = parse_statement(params.statement)
    approval = _read_approval(statement)
    board = read_proposal_board(node, approval.proposal)
    filed = board.proposal(approval.proposal)
    _check_seat(node, board, filed, statement.by)
    _check_counts(node, board, statement, params, approval)
    await publish_statement(node, statement, params.sigs)
    return describe_price(node, read_product_board(node, filed.body.product), filed.leaf, PUBLIC)


def _read_approval(statement: Statement) -> PriceApproval:
    if statement.kind != APPROVAL_KIND or isinstance(statement.body, bytes):
        raise RefusedError.at("statement.kind", "this is no approval of a price")
    approval = to_struct(statement.body, PriceApproval, "statement.body")
    check_approval(approval)
    return approval


def _check_seat(node: Node, board: Board, filed: Filed[PriceProposal], member: bytes) -> None:
    if node.origin not in filed.body.buyers:
        raise RefusedError.at("proposal", "this co-op is none of the buyers that the proposal names")
    if not board.facts.granted(node.origin).has_role(member, COMMITTEE_ROLE, _next_index(node)):
        raise RefusedError.at("key", "this key has no seat on the price committee of this co-op")


def _check_counts(
    node: Node, board: Board, statement: Statement, params: SignedStatement, approval: PriceApproval
) -> None:
    """RefusedError unless the statement, embedded now, is its author's own, for this log, and not here already."""
    index = _next_index(node)
    raw = format_record(embed_statement(statement, tuple(params.sigs), index))
    embedded = Filed(node.origin, index, leaf_hash_of(raw), parse_record(raw), approval)
    reason = find_unsigned(board.facts, embedded)
    if reason:
        raise RefusedError.at("statement", reason)
    for known in board.facts.approvals.get(approval.proposal, []):
        if known.record.statement == statement:
            raise RefusedError.at("statement", f"stands in the log already, at {known.place}")
    item = board.facts.proposals[approval.proposal].body
    if approval.approve and board.facts.disclosure_by_leaf((item.maker, item.product), approval.disclosure) is None:
        raise RefusedError.at("statement.body.disclosure", "is not a disclosure of this product")


def _write_note(node: Node, note: str) -> Opening | None:
    if not note:
        return None
    refuse(audit_text(note, "note", TEXT_LENGTH_MAX, lines=True), "the approval is refused")
    return hide_note(node.origin, note, node.clock.random_bytes(SALT_BYTES))


def _next_index(node: Node) -> int:
    head = log_store.head(node.database.reader, node.origin)
    assert head is not None
    return head.size


def _read_entry(node: Node, origin: str, index: int) -> bytes:
    (entry,) = log_store.entries(node.database.reader, origin, index, index + 1)
    return entry
