"""What stands behind a member's cards of one reading, kept from the moment they are made: a crash must not change it.

Invariant: answers and regrets belong to the cards that went out; a till or a release that changes later is for a later
reading. Nothing of it leaves the node but cards, answers and regrets.
"""

import asyncio

import msgspec

from node.use_cases.context import Node
from node.use_cases.planning.calls.terms import Terms
from node.use_cases.planning.proposals.private_side import PrivateSide, Release, prepare_side
from protocol.core.errors import refuse
from protocol.planning.batches.pinned import Pinned
from protocol.planning.cards import GoodsTable
from protocol.planning.contributions import audit_cards
from protocol.planning.economy import Economy
from protocol.planning.responses import Effort
from storage.settings import set_setting, setting

SIDE_SETTING = "plan_side"


def kept_side(node: Node, call: bytes, reading: int) -> PrivateSide | None:
    """The private side that this home prepared for a reading, None where it has not."""
    kept = setting(node.database.reader, _setting_name(call, reading))
    return msgspec.msgpack.decode(kept, type=PrivateSide) if isinstance(kept, bytes) else None


async def try_release(
    node: Node, release: Release, call: bytes, reading: int, table: GoodsTable, terms: Terms
) -> PrivateSide:
    """The private side of a release as it would be now; RefusedError names what does not fit."""
    people, k_households = terms.members[node.origin], terms.k_households
    side = await asyncio.to_thread(
        prepare_side, node, release, call, reading, table, people, terms.terms_of(node.origin), k_households
    )
    check_side(node, side, table, terms)
    return side


async def keep_side(node: Node, side: PrivateSide, table: GoodsTable, terms: Terms) -> None:
    """Put a private side on disk before anything of it goes out; RefusedError names what does not fit."""
    check_side(node, side, table, terms)
    name, kept = _setting_name(side.cards.call, side.cards.reading), msgspec.msgpack.encode(side)
    await node.database.write(lambda db: set_setting(db, name, kept))


def check_side(node: Node, side: PrivateSide, table: GoodsTable, terms: Terms) -> None:
    """RefusedError for cards that every node would set aside."""
    findings = audit_cards(node.origin, side.cards, table, terms.members[node.origin], terms.terms_of(node.origin))
    refuse(findings, "the cards would count nowhere")


async def forget_side(node: Node, call: bytes, reading: int) -> None:
    """Let a later release take the place of cards that could not go out."""
    await node.database.write(lambda db: set_setting(db, _setting_name(call, reading), None))


def is_planned_with(side: PrivateSide, economy: Economy) -> bool:
    """Whether the plan counts with these very cards: others came too late, or were set aside."""
    return set(side.cards.consumers) <= set(economy.consumers) and set(side.cards.workplaces) <= set(economy.workplaces)


def leave_free(side: PrivateSide, pinned: Pinned) -> PrivateSide:
    """What a member still answers for once batches are decided: its council, and the techniques that have none."""
    own = {card.id for card in side.cards.workplaces}
    cards = tuple(card for card in pinned.economy.workplaces if card.id in own)
    efforts = {card.id: Effort(tuple(side.efforts[card.id].costs[at] for at in pinned.kept[card.id])) for card in cards}
    cards_left = msgspec.structs.replace(side.cards, workplaces=cards)
    return msgspec.structs.replace(side, cards=cards_left, efforts=efforts, spoken="")


def _setting_name(call: bytes, reading: int) -> str:
    return f"{SIDE_SETTING}/{call.hex()}/{reading}"
