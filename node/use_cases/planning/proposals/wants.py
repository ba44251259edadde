"""What members say before a proposal: wishes and pledges of a household, which the next cards count with.

Invariant: nothing of this leaves the node; a household's name becomes the token that its till lines bear.
"""

from collections.abc import Iterator
from typing import Annotated

import msgspec

from node.till.row_reader import CELL_CHARS_MAX, make_token
from node.use_cases.context import Node, Operation
from node.use_cases.description import Command, count, help_of
from node.use_cases.planning.proposals.private_side import PERCENT_MAX, PLEDGE, WISH
from node.use_cases.till import household_key
from protocol.core.errors import RefusedError
from protocol.core.quantities import parse_decimal
from storage.private.member_wants import MemberWant, forget_want, keep_want, member_wants

GOOD_CHARS_MAX = 128
AMOUNT_DECIMALS = 3
AMOUNT_MILLI_MAX = 10**9

Household = Annotated[
    str,
    msgspec.Meta(min_length=1, max_length=CELL_CHARS_MAX),
    help_of("Which household says so, as the till knows it."),
]
GoodName = Annotated[str, msgspec.Meta(min_length=1, max_length=GOOD_CHARS_MAX)]


class WishParams(msgspec.Struct, kw_only=True):
    """A household's wish: this good in percent of what it buys now; 100 takes the wish back."""

    household: Household
    good: GoodName
    percent: Annotated[int, msgspec.Meta(ge=0, le=PERCENT_MAX)]


class PledgeParams(msgspec.Struct, kw_only=True):
    """A household's pledge: so much of a good in a period, as a decimal in the good's unit; 0 takes it back."""

    household: Household
    good: GoodName
    amount: str


class KeptWant(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a household's word for a good is kept or was taken back, and how many households have one."""

    good: str
    kept: bool
    households: int


async def say_wish(node: Node, params: WishParams) -> KeptWant:
    """Keep a household's wish for a good (private); its newest word counts, in every plan until it is taken back.
    RefusedError for no household, or MEMBER_WANTS_MAX kept already."""
    return await _keep(node, WISH, params.household, params.good, None if params.percent == 100 else params.percent)


async def say_pledge(node: Node, params: PledgeParams) -> KeptWant:
    """Keep a household's pledge to take so much of a good (private); its newest word counts until it is taken back.
    RefusedError for an amount that cannot be, no household, or MEMBER_WANTS_MAX kept already."""
    amount_milli = parse_decimal(params.amount, AMOUNT_DECIMALS, "amount")
    if not 0 <= amount_milli <= AMOUNT_MILLI_MAX:
        raise RefusedError.at("amount", f"a pledge is 0 to {AMOUNT_MILLI_MAX // 10**AMOUNT_DECIMALS} units")
    return await _keep(node, PLEDGE, params.household, params.good, amount_milli or None)


async def _keep(node: Node, kind: str, household: str, good: str, amount: int | None) -> KeptWant:
    token = make_token(household.strip(), await household_key(node))
    if not token:
        raise RefusedError.at("household", "say which household this is, as the till knows it")
    now_ms = node.clock.now_ms()
    if amount is None:
        await node.database.write(lambda db: forget_want(db, kind, token, good))
    else:
        want = MemberWant(token, good, amount)
        await node.database.write(lambda db: keep_want(db, kind, want, now_ms))
    held = sum(one.good == good for one in member_wants(node.database.reader, kind))
    return KeptWant(good=good, kept=amount is not None, households=held)


def _tell_kept(answer: KeptWant) -> Iterator[str]:
    spoken = count(answer.households, "household has", "households have")
    yield f"{'Kept' if answer.kept else 'Taken back'}. {spoken} spoken for {answer.good} so far."


OPERATIONS = (
    Operation(
        "plan.wish",
        WishParams,
        say_wish,
        "A household wants GOOD to be PERCENT of what it buys now; stays on this node. 100 takes the wish back.",
        tell=_tell_kept,
        command=Command("plan wish", ("good", "percent"), "bread 120 --household 7"),
    ),
    Operation(
        "plan.pledge",
        PledgeParams,
        say_pledge,
        "A household will take AMOUNT of GOOD in a period, in the good's unit; stays on this node. 0 takes it back.",
        tell=_tell_kept,
        command=Command("plan pledge", ("good", "amount"), "bread 2.5 --household 7"),
    ),
)
