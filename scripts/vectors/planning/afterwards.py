"""The vectors of what comes after the rounds: whole batches, who brings what to whom, and what was carried."""

from dataclasses import asdict
from itertools import combinations
from typing import Any, Final

import msgspec

from protocol.core.encoding import to_value
from protocol.planning.batches.candidate import fit_all, judge_candidate, make_candidate
from protocol.planning.batches.counts import audit_counts, list_counts, read_counts
from protocol.planning.batches.reading import begin_batches
from protocol.planning.batches.repair import repair_batches
from protocol.planning.delivery.document import Delivery, check_delivery, format_delivery
from protocol.planning.delivery.places import metres_between
from protocol.planning.delivery.transport import list_transports
from protocol.planning.following.account import account_for
from protocol.planning.following.deliveries import apply_deliveries, audit_delivery
from protocol.planning.following.promises import apply_promises, audit_promises, list_planned
from protocol.planning.following.records import CardPromises, Carried, PlanDelivery, PlanPromises, Promise
from protocol.planning.plan import digest_plan, format_plan
from scripts.vectors.made_up import HEX
from scripts.vectors.pages import list_json
from scripts.vectors.planning.village import LUMPY, OPEN, play_village

CALL: Final = bytes([0xC4]) * 32
COUNTS: Final = ((5, 3), (6, 3), (3, 3), (0, 0), (1, 3), (40, 3), (5,), ())
"""Batches of the mill and the oven that somebody proposes; some that cannot be run."""
BREAD, MILK, FLOUR = range(3)


def export_batches() -> dict[str, Any]:
    """The village with batches: the repair, what is proposed, and what is decided."""
    played = play_village(LUMPY)
    draft, state = played.plan, played.rounds[-1].state
    said = {f"member-{number}": counts for number, counts in enumerate(COUNTS) if not audit_counts(draft, counts)}
    proposals = {name: read_counts(draft, counts) for name, counts in said.items() if counts}
    decided = begin_batches(played.economy, state, draft, proposals)
    assert decided is not None
    return {
        "about": f"Whole batches in the made-up village (docs/spec: batches.md). {HEX} The mill runs ten activities at "
        "once and two batches at least, the oven twenty.",
        "draft": format_plan(draft).decode(),
        "repair": list_counts(draft, repair_batches(draft)),
        "proposed": [_propose(counts) for counts in COUNTS],
        "decided": {
            "candidate": digest_plan(format_plan(decided.candidate)),
            "found_by": decided.found_by,
            "economy": decided.pinned.economy.digest,
        },
    }


def export_delivery() -> dict[str, Any]:
    """The delivery on its page: the distances, what is carried, and deliveries that do not hold."""
    plan = play_village(OPEN).plan
    (document,) = list_json("delivery.md")
    delivery = msgspec.convert(document, Delivery)
    checked = check_delivery(plan, delivery)
    (bread, milk, flour), places = delivery.goods, delivery.places
    replace = msgspec.structs.replace
    broken = {
        "of another plan": replace(delivery, plan="00" * 32),
        "a place is missing": replace(delivery, places={name: places[name] for name in places if name != "farm"}),
        "a good is missing": replace(delivery, goods=(bread, milk)),
        "a unit too few": replace(
            delivery, goods=(replace(bread, loads=(bread.loads[0], replace(bread.loads[1], units=1))), milk, flour)
        ),
        "a load that nobody has": replace(
            delivery,
            goods=(replace(bread, loads=(replace(bread.loads[0], source="mill"), bread.loads[1])), milk, flour),
        ),
        "a potential beyond its way": replace(
            delivery,
            goods=(replace(bread, at_need={**bread.at_need, "north": bread.at_need["north"] + 1}), milk, flour),
        ),
    }
    return {
        "about": "The delivery of the made-up village (docs/spec: delivery.md); the plan is that of rounds-open.json.",
        "plan": format_plan(plan).decode(),
        "transports": [asdict(one) for one in list_transports(plan)],
        "places": to_value(places),
        "metres": [[one, other, metres_between(places[one], places[other])] for one, other in combinations(places, 2)],
        "delivery": format_delivery(delivery).decode(),
        "goods": [asdict(one) for one in checked.goods],
        "broken": [
            {
                "says": says,
                "delivery": format_delivery(one).decode(),
                "at": [finding.place for finding in check_delivery(plan, one).findings],
            }
            for says, one in broken.items()
        ],
    }


def export_following() -> dict[str, Any]:
    """What was promised and carried under the village's plan, log by log, and the account of it."""
    plan = play_village(OPEN).plan
    digest = digest_plan(format_plan(plan))
    planned = list_planned(plan)
    promises = {
        "oven": [_promise(digest, "oven", (BREAD, 70_000), (FLOUR, 49)), _promise(digest, "oven", (BREAD, 60_000))],
        "north": [_promise(digest, "north", (BREAD, 43_038), (MILK, 105_387)), _promise(digest, "south", (BREAD, 1))],
        "mill": [_promise(digest, "mill", (BREAD, 1)), _promise(bytes(32), "mill", (FLOUR, 49))],
    }
    deliveries = {
        "oven": [_carry(digest, (BREAD, "oven", "north", 9_000), (BREAD, "oven", "south", 4_000))],
        "north": [
            _carry(digest, (BREAD, "oven", "north", 9_000), (MILK, "import-milk", "north", 500)),
            _carry(digest, (BREAD, "oven", "north", -9_001)),
            _carry(digest, (BREAD, "oven", "south", 7)),
        ],
        "south": [_carry(digest, (BREAD, "oven", "south", 3_600)), _carry(digest, (BREAD, "oven", "south", -100))],
    }
    promised = apply_promises({name: tuple(said) for name, said in promises.items()}, digest, planned)
    told = apply_deliveries({name: tuple(said) for name, said in deliveries.items()}, digest, plan)
    account = account_for(plan, planned, promised, told)
    return {
        "about": f"How the made-up village follows its plan (docs/spec: following.md). {HEX} What a log says stands "
        "in its order; `at` says why it counts for nothing by itself, and a sum below 0 changes nothing either.",
        "plan": format_plan(plan).decode(),
        "promises": [
            {
                "log": name,
                "body": to_value(body),
                "at": [finding.place for finding in audit_promises(name, body, digest, planned)],
            }
            for name, said in promises.items()
            for body in said
        ],
        "deliveries": [
            {
                "log": name,
                "body": to_value(body),
                "at": [finding.place for finding in audit_delivery(name, body, digest, plan)],
            }
            for name, said in deliveries.items()
            for body in said
        ],
        "account": asdict(account),
    }


def _propose(counts: tuple[int, ...]) -> dict[str, Any]:
    draft = play_village(LUMPY).plan
    found = audit_counts(draft, counts)
    if found or not counts:
        return {"batches": counts, "at": [finding.place for finding in found]}
    levels = read_counts(draft, counts)
    if not fit_all(draft, [levels]):
        return {"batches": counts, "at": [], "candidate": None}
    candidate = make_candidate(draft, levels)
    judged = judge_candidate(draft, candidate)
    return {
        "batches": counts,
        "at": [],
        "candidate": {
            "activity": candidate.activity,
            "consumption": candidate.consumption,
            "digest": judged.digest,
            "value_micro": judged.value_micro,
            "findings": [finding.place for finding in judged.findings],
        },
    }


def _promise(plan: bytes, card: str, *said: tuple[int, int]) -> PlanPromises:
    return PlanPromises(CALL, plan, (CardPromises(card, tuple(Promise(*one) for one in said)),))


def _carry(plan: bytes, *loads: tuple[int, str, str, int]) -> PlanDelivery:
    return PlanDelivery(CALL, plan, tuple(Carried(*one) for one in loads))


FILES = {
    "planning/batches.json": export_batches,
    "planning/delivery.json": export_delivery,
    "planning/following.json": export_following,
}
