"""Hidden sections and lines handed to those whom their scope names, and taken from those who hid them.

Invariant: an opening is kept only when a record known here holds its commitment at that very place.
"""

import msgspec

from node.use_cases.context import Node
from node.use_cases.supply.board import read_board, read_product_board
from node.use_cases.supply.drafts import ItemParams, OpeningsParams
from node.use_cases.supply.views import scopes_of
from protocol.core.commitment import commit_opening, parse_opening
from protocol.core.errors import RefusedError
from protocol.federation.scopes import PUBLIC
from protocol.supply.openings import check_hidden, list_hidden
from storage.private.openings import KeptOpening, find_opening, keep_openings

OPENINGS_MAX = 256


class Openings(msgspec.Struct, frozen=True):
    """Openings in their canonical bytes, for one kind of reader."""

    reader: str
    openings: list[bytes]


class Accepted(msgspec.Struct, frozen=True):
    """How many openings were new here, and how many were known."""

    kept: int
    known: int


async def hand_openings(node: Node, params: ItemParams) -> Openings:
    """What this home can open of a product for a reader, to be given to those whom the scope names and no others.
    RefusedError for the public, who need none."""
    if params.reader == PUBLIC:
        raise RefusedError.at("reader", "what is public needs no opening: say buyers, federation or auditors")
    board = read_product_board(node, params.product)
    scopes = scopes_of(params.reader)
    found = []
    for hidden in list_hidden(board.facts, board.find_item(params.product, params.maker)):
        kept = find_opening(node.database.reader, hidden.commitment)
        if kept is not None and hidden.scope in scopes:
            found.append(kept.opening)
    return Openings(params.reader, found[:OPENINGS_MAX])


async def accept_openings(node: Node, params: OpeningsParams) -> Accepted:
    """Keep openings that were handed to this home (private). RefusedError, and none is kept, where one opens nothing
    that is known here; PeerError where one does not hold what belongs at its place."""
    if len(params.openings) > OPENINGS_MAX:
        raise RefusedError.at("openings", f"there are {len(params.openings)}, at most {OPENINGS_MAX} are taken at once")
    board = read_board(node)
    places = {hidden.commitment: hidden for item in board.facts.products for hidden in list_hidden(board.facts, item)}
    rows = []
    for number, raw in enumerate(params.openings, start=1):
        opening = parse_opening(raw)
        hidden = places.get(commit_opening(opening))
        if hidden is None:
            raise RefusedError.at(f"openings.{number}", "opens nothing that is known here")
        check_hidden(hidden, opening)
        rows.append((hidden.commitment, KeptOpening(hidden.scope, raw)))
    reader = node.database.reader
    known = sum(find_opening(reader, commitment) is not None for commitment, _ in rows)
    await node.database.write(lambda db: keep_openings(db, rows))
    return Accepted(kept=len(rows) - known, known=known)
