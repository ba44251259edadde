"""What one council needs beyond the list: written into a charter that the members must want, so that others approve it.

Invariant: it counts only in calls that name a roster under that charter; nobody's own word grants anything.
Spec: docs/spec/federation/federation.md, section "Exceptions".
"""

from typing import Annotated

import msgspec

from node.use_cases.context import Node, Operation
from node.use_cases.description import Command, help_of, typed
from node.use_cases.federation.amending import AmendParams, WantedCharter, amend, tell_wanted
from node.use_cases.federation.history import current_history
from node.use_cases.misfit import refuse_misfit
from protocol.core.errors import RefusedError
from protocol.core.quantities import parse_decimal
from protocol.federation.charter import EXCEPTION_REASON_LENGTH_MAX, CouncilException, Floor

AMOUNT_DECIMALS = 6
AMOUNT_CHARS_MAX = 30

Amount = Annotated[str, msgspec.Meta(max_length=AMOUNT_CHARS_MAX)]


class ExceptionParams(msgspec.Struct, kw_only=True):
    """For which member, why, and what: goods with their amounts in whole units (in all, not for each person), and
    credits. Without either the member's exception ends."""

    member: str
    reason: Annotated[
        str,
        msgspec.Meta(max_length=EXCEPTION_REASON_LENGTH_MAX),
        help_of("Why, in a sentence that all may read; nothing about a person."),
    ] = ""
    floors: Annotated[dict[str, Amount], help_of("A need in all, in whole units."), typed("--floor GOOD=AMOUNT")] = {}
    credits: Annotated[Amount, help_of("Credits beyond what its people are allotted.")] = "0"


async def propose_exception(node: Node, params: ExceptionParams) -> WantedCharter:
    """Want the charter in force with this exception in it, or without it (federation.charter); the other members agree,
    or not. RefusedError for who is no member, and where nothing would change."""
    history = current_history(node)
    if history is None:
        raise RefusedError.at("federation", "only a member of a federation has a charter")
    if params.member not in history.newest.voters:
        raise RefusedError.at("member", f"{params.member} is no member: `federation roster` lists their logs")
    charter = history.newest.charter
    kept = [one for one in charter.exceptions if one.member != params.member]
    credits_micro = parse_decimal(params.credits, AMOUNT_DECIMALS, "credits")
    if params.floors or credits_micro:
        kept.append(_read_exception(params, credits_micro))
    elif len(kept) == len(charter.exceptions):
        raise RefusedError.at("floors", "say what is needed: this member has no exception that could end")
    exceptions = tuple(sorted(kept, key=lambda one: one.member))
    return await amend(node, AmendParams(charter=msgspec.structs.replace(charter, exceptions=exceptions)))


def _read_exception(params: ExceptionParams, credits_micro: int) -> CouncilException:
    floors = {
        good: parse_decimal(text, AMOUNT_DECIMALS, f"floors.{good}") for good, text in sorted(params.floors.items())
    }
    row = {
        "member": params.member,
        "reason": params.reason,
        "floors": [Floor(good, amount, AMOUNT_DECIMALS) for good, amount in floors.items()],
        "credits_micro": credits_micro,
    }
    try:
        return msgspec.convert(msgspec.to_builtins(row), CouncilException)
    except msgspec.ValidationError as error:
        raise refuse_misfit(error, "exception") from None


OPERATIONS = (
    Operation(
        "federation.exception",
        ExceptionParams,
        propose_exception,
        "Want an exception for the co-op whose log is MEMBER. Without a floor or credits its exception ends.",
        tell=tell_wanted,
        command=Command("federation exception", ("member",), "x.example/log --floor milk=4 --reason r", 1),
    ),
)
