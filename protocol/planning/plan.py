"""The plan document: who makes and gets what, with the cards and prices it rests on, as bytes that anyone can check.

Invariants: canonical JSON (sorted keys, no spaces, integers and text only), so equal plans have equal digests; regrets
are not part of it. Spec: docs/spec/planning/plan.md.
"""

import hashlib
from collections.abc import Mapping

import msgspec

from protocol.core.document import format_document, parse_document
from protocol.planning.cards import ConsumerCard, GoodsTable, WorkplaceCard
from protocol.planning.clearing import ClearedPlan
from protocol.planning.economy import Economy
from protocol.planning.private.fixed_recipes import fix_recipes
from protocol.planning.rounds import RoundReport
from protocol.planning.state import State, hash_state

PLAN_FORMAT = "rochdale-plan/1"
STEP_VERSION = "rochdale/planning-step/3"
PLAN_BYTES_MOST = 64 * 1024 * 1024


class Plan(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A cleared plan. `consumption` and `activity` follow the order of the cards; trade nodes stand in `activity` too.

    `consumption` in units of each good, `activity` in millionths, `prices` in micro-credits per whole unit.
    `parameters` says how it came about: the step's version, the economy, the last state and whatever the call adds.
    """

    format: str
    goods_table: GoodsTable
    consumers: tuple[ConsumerCard, ...]
    workplaces: tuple[WorkplaceCard, ...]
    consumption: dict[str, tuple[int, ...]]
    activity: dict[str, tuple[int, ...]]
    prices: tuple[int, ...]
    rounds: int
    worst_good_ppm: int
    parameters: dict[str, str | int]


def make_plan(
    economy: Economy,
    state: State,
    cleared: ClearedPlan,
    report: RoundReport,
    parameters: Mapping[str, str | int] | None = None,
) -> Plan:
    """The document's content from the last state, its cleared quantities and the last round's report."""
    fixed, _ = fix_recipes(economy, state)
    consumption, activity = cleared.by_card(fixed)
    said = {
        "step": STEP_VERSION,
        "economy": economy.digest.hex(),
        "state": hash_state(state).hex(),
        **(parameters or {}),
    }
    return Plan(
        format=PLAN_FORMAT,
        goods_table=economy.table,
        consumers=economy.consumers,
        workplaces=fixed.workplaces[: economy.answering],
        consumption=consumption,
        activity=activity,
        prices=cleared.prices,
        rounds=state.round,
        worst_good_ppm=report.worst_good_ppm,
        parameters=said,
    )


def format_plan(plan: Plan) -> bytes:
    """The canonical bytes of a plan."""
    return format_document(plan)


def parse_plan(encoded: bytes) -> Plan:
    """The plan in these bytes. Raises RefusedError unless they are a canonical plan document."""
    return parse_document(encoded, Plan, PLAN_FORMAT, "plan", PLAN_BYTES_MOST)


def digest_plan(encoded: bytes) -> bytes:
    """The 32 bytes that approvals name: SHA-256 of the document."""
    return hashlib.sha256(encoded).digest()
