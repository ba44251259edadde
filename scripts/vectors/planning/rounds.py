"""The vectors of the rounds: cards in, a state after each set of answers, the plan, its certificate and minutes."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from msgspec import structs

from protocol.core.encoding import to_value
from protocol.core.errors import RefusedError
from protocol.planning.audit.minutes import MINUTES_FORMAT, Minutes, ReadingMinutes, RoundMinutes, format_minutes
from protocol.planning.certificate import check_certificate
from protocol.planning.economy import Economy, build_economy
from protocol.planning.floors import check_floors
from protocol.planning.plan import Plan, digest_plan, format_plan
from protocol.planning.ratifying.words import leave_out
from protocol.planning.rounds import Answer, close_round, warm_start
from protocol.planning.state import State, format_state, hash_state
from scripts.vectors.made_up import HEX
from scripts.vectors.planning.village import OPEN, PRIVATE, Played, play_village

COLUMNS = ("prices", "carried", "metric", "answers", "planned")


def export_rounds(form: str) -> dict[str, Any]:
    """One form of the village from its cards to its plan."""
    played = play_village(form)
    economy, plan = played.economy, played.plan
    raw, regrets = format_plan(plan), played.members.regrets(plan)
    certificate = check_certificate(plan, regrets)
    return {
        "about": "Rounds of a made-up village (docs/spec: planning-step.md, plan.md, plan-audit.md"
        + (", private-recipes.md" if form == PRIVATE else "")
        + f"). {HEX}",
        "goods_table": to_value(economy.table),
        "consumers": to_value(economy.consumers),
        "workplaces": to_value(economy.workplaces[: economy.answering]),
        "economy": economy.digest,
        "start": _describe_state(played.start),
        "rounds": [
            {
                "answers": {name: answer.quantities for name, answer in one.answers.items()},
                "state": _describe_state(one.state),
                "worst_good": one.report.worst_good,
                "worst_good_ppm": one.report.worst_good_ppm,
            }
            for one in played.rounds
        ],
        "last_state": format_state(played.rounds[-1].state),
        "plan": raw.decode(),
        "digest": digest_plan(raw),
        "regrets": regrets,
        "certificate": {"slack_micro": certificate.slack_micro, "gap_micro": certificate.gap_micro},
        "broken_plans": [_break(plan, regrets, says, change) for says, change in BREACHES.items()],
        "minutes": _make_minutes(played, regrets).decode(),
    }


def export_odd_rounds() -> dict[str, Any]:
    """What is not taken as it comes, a reading after another, and cards of which no plan can be made."""
    played = play_village(OPEN)
    economy, start, last = played.economy, played.start, played.rounds[-1].state
    answers = _answer_oddly(hash_state(start))
    after, report = close_round(economy, start, answers)
    smaller = leave_out(economy, ["south"])
    return {
        "about": f"Rounds that do not go as they should (docs/spec: planning-step.md, ratification.md). {HEX} Cards "
        "and first state are those of rounds-open.json. Made up.",
        "answers": {name: [answer.state_hash, answer.quantities] for name, answer in answers.items()},
        "silent": report.silent,
        "set_aside": [finding.place for finding in report.set_aside],
        "cut_to_credits": report.cut_to_credits,
        "state": _describe_state(after),
        "without_south": {"economy": smaller.digest, "state": _describe_state(warm_start(smaller, last, economy))},
        "no_plan": [
            {"says": says, "consumers": to_value(cut.consumers), "at": _refusal_of(cut)}
            for says, cut in (
                ("floors that the farm cannot meet", _change_floor(economy, 1, 600_000)),
                ("two floors beyond all capacities", _change_floor(_change_floor(economy, 0, 100_000), 1, 600_000)),
            )
        ],
    }


def _answer_oddly(state_hash: bytes) -> dict[str, Answer]:
    """The farm is silent, the mill answers another state, the oven with a number too many, south beyond its credits."""
    return {
        "north": Answer(state_hash, (40_000, 50_000)),
        "south": Answer(state_hash, (80_000, 90_000)),
        "mill": Answer(bytes(32), (40_000_000,)),
        "oven": Answer(state_hash, (40_000_000, 1)),
    }


def _change_floor(economy: Economy, good: int, floor: int) -> Economy:
    """The same economy with another floor of south's for a good, and as much wanted at least."""
    council = next(card for card in economy.consumers if card.id == "south")
    (nest,) = council.nests
    changed = structs.replace(
        council,
        nests=(
            structs.replace(
                nest,
                floors=_replace(nest.floors, good, floor),
                wants=_replace(nest.wants, good, max(nest.wants[good], floor)),
            ),
        ),
    )
    cards = [changed if card is council else card for card in economy.consumers]
    return build_economy(economy.table, cards, economy.workplaces[: economy.answering])


def _replace(values: tuple[int, ...], place: int, value: int) -> tuple[int, ...]:
    return (*values[:place], value, *values[place + 1 :])


def _refusal_of(economy: Economy) -> list[str]:
    try:
        check_floors(economy)
    except RefusedError as refusal:
        return [finding.place for finding in refusal.findings]
    return []


def _describe_state(state: State) -> dict[str, Any]:
    return {"hash": hash_state(state), **{name: getattr(state, name).tolist() for name in COLUMNS}}


def _more(column: dict[str, tuple[int, ...]], name: str, more: int) -> dict[str, tuple[int, ...]]:
    return {**column, name: (column[name][0] + more, *column[name][1:])}


BREACHES: dict[str, Callable[[Plan], dict[str, Any]]] = {
    "a unit more is eaten than there is": lambda plan: {"consumption": _more(plan.consumption, "north", 10_000)},
    "beyond a capacity": lambda plan: {"activity": _more(plan.activity, "farm", 400_000_000)},
    "below a floor": lambda plan: {"consumption": _more(plan.consumption, "south", -plan.consumption["south"][0])},
    "beyond the credits": lambda plan: {"prices": tuple(price * 3 for price in plan.prices)},
    "a price below 0": lambda plan: {"prices": (-1, *plan.prices[1:])},
    "a card without quantities": lambda plan: {"activity": {name: plan.activity[name] for name in ("farm", "mill")}},
}
"""What makes a plan not hold, as fields of its document."""


def _break(plan: Plan, regrets: Mapping[str, int], says: str, change: Callable[[Plan], dict[str, Any]]) -> Any:
    changed = change(plan)
    found = check_certificate(structs.replace(plan, **changed), regrets).findings
    return {"says": says, "change": changed, "at": [finding.place for finding in found]}


def _make_minutes(played: Played, regrets: dict[str, int]) -> bytes:
    economy = played.economy
    rounds = tuple(
        RoundMinutes({name: answer.quantities for name, answer in one.answers.items()}) for one in played.rounds
    )
    reading = ReadingMinutes(economy.consumers, economy.workplaces[: economy.answering], rounds)
    said = {"call": played.plan.parameters["call"]}
    return format_minutes(Minutes(MINUTES_FORMAT, economy.table, said, (reading,), regrets))


FILES = {
    "planning/rounds-open.json": partial(export_rounds, OPEN),
    "planning/rounds-private.json": partial(export_rounds, PRIVATE),
    "planning/rounds-odd.json": export_odd_rounds,
}
