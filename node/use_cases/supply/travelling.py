"""Hidden sections and lines on their way from node to node: what this home may ask for, hand out and keep.

Invariant: an opening is handed to a peer only where its scope lets that peer in, and asked for only where it lets us.
Spec: docs/spec/federation/scopes.md
"""

from collections.abc import Iterable, Mapping

from node.use_cases.context import Node
from node.use_cases.supply.board import Board, read_board
from protocol.core.commitment import commit_opening, parse_opening
from protocol.core.errors import PeerError, RefusedError
from protocol.federation.scopes import may_read
from protocol.gossip.frontier import Circle
from protocol.supply.disclosure import DISCLOSURE_KIND
from protocol.supply.facts import item_of
from protocol.supply.openings import Hidden, check_hidden, list_hidden
from protocol.supply.price_agreement import APPROVAL_KIND, PROPOSAL_KIND
from storage.private.openings import KeptOpening, find_opening, keep_openings

KINDS = frozenset({DISCLOSURE_KIND, PROPOSAL_KIND, APPROVAL_KIND})
"""Records after which somebody may be let in to more."""
PART = "hidden_places"

Circles = tuple[Circle, ...]


def list_wanted(node: Node, circles: Circles) -> dict[bytes, str]:
    """What this home may read and has not got: commitments with the log that each stands in."""
    db = node.database.reader
    return {
        commitment: hidden.origin
        for commitment, hidden in _read_places(node).items()
        if _lets_in(hidden, node.origin, circles) and find_opening(db, commitment) is None
    }


def list_openings(node: Node, commitments: Iterable[bytes], reader: str, circles: Circles) -> list[bytes]:
    """The openings of these commitments that are here and that the peer `reader` may have."""
    places, found = _read_places(node), []
    for commitment in commitments:
        hidden = places.get(commitment)
        kept = find_opening(node.database.reader, commitment)
        if hidden is not None and kept is not None and _lets_in(hidden, reader, circles):
            found.append(kept.opening)
    return found


async def admit_opening(node: Node, raw: bytes, circles: Circles) -> bytes | None:
    """Keep an opening that a peer sent, where it opens what this home may read; its commitment, None where it does not.

    PeerError where it is malformed.
    """
    try:
        opening = parse_opening(raw)
    except RefusedError as error:
        raise PeerError(error.reason) from None
    commitment = commit_opening(opening)
    hidden = _read_places(node).get(commitment)
    if hidden is None or not _lets_in(hidden, node.origin, circles):
        return None
    check_hidden(hidden, opening)
    await node.database.write(lambda db: keep_openings(db, [(commitment, KeptOpening(hidden.scope, raw))]))
    return commitment


def _lets_in(hidden: Hidden, reader: str, circles: Circles) -> bool:
    members = frozenset(origin for one in circles if hidden.origin in one.members for origin in one.members)
    return may_read(hidden.scope, reader, hidden.origin, members, hidden.parties)


def _read_places(node: Node) -> Mapping[bytes, Hidden]:
    """Every hidden place in the logs by its commitment, kept while the board stays as it is."""
    try:
        board = read_board(node)
    except RefusedError:
        # The charter asks for rules that this node does not know: it stops this area until it is updated.
        return {}
    kept = node.parts.get(PART)
    if not isinstance(kept, tuple) or kept[0] is not board:
        kept = node.parts[PART] = (board, _find_places(board))
    places: Mapping[bytes, Hidden] = kept[1]
    return places


def _find_places(board: Board) -> dict[bytes, Hidden]:
    facts = board.facts
    items = facts.disclosures.keys() | {item_of(filed.body) for filed in facts.proposals.values()}
    return {hidden.commitment: hidden for item in sorted(items) for hidden in list_hidden(facts, item)}
