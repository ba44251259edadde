"""The vectors of batches, deliveries and what was carried, read as someone else's program would."""

from collections import defaultdict
from dataclasses import asdict
from typing import Any

import msgspec
import pytest

from protocol.core.encoding import to_struct
from protocol.planning.batches.candidate import choose_candidate, fit_all, judge_candidate, make_candidate
from protocol.planning.batches.counts import audit_counts, list_counts, read_counts
from protocol.planning.batches.repair import repair_batches
from protocol.planning.delivery.document import check_delivery, format_delivery, parse_delivery
from protocol.planning.delivery.places import Place, metres_between
from protocol.planning.delivery.transport import list_transports
from protocol.planning.following.account import account_for
from protocol.planning.following.deliveries import apply_deliveries, audit_delivery
from protocol.planning.following.promises import apply_promises, audit_promises, list_planned
from protocol.planning.following.records import PlanDelivery, PlanPromises
from protocol.planning.plan import digest_plan, format_plan, parse_plan
from tests.protocol.core.values import load_vectors

BATCHES, DELIVERY = load_vectors("planning/batches.json"), load_vectors("planning/delivery.json")
FOLLOWING = load_vectors("planning/following.json")
DRAFT, PLAN = parse_plan(BATCHES["draft"].encode()), parse_plan(DELIVERY["plan"].encode())


@pytest.mark.parametrize("row", BATCHES["proposed"], ids=lambda row: str(row["batches"]))
def test_proposed_batches_are_run_judged_or_refused_with_their_place(row: dict[str, Any]) -> None:
    counts = tuple(row["batches"])
    assert [finding.place for finding in audit_counts(DRAFT, counts)] == row["at"]
    if not counts or row["at"]:
        return
    levels = read_counts(DRAFT, counts)
    assert list_counts(DRAFT, levels) == counts
    if row["candidate"] is None:
        assert fit_all(DRAFT, [levels]) == [], "needs are left unmet"
        return
    candidate = make_candidate(DRAFT, levels)
    told, judged = row["candidate"], judge_candidate(DRAFT, candidate)
    for column in ("activity", "consumption"):
        assert plain(getattr(candidate, column)) == told[column]
    assert (judged.digest, judged.value_micro) == (told["digest"], told["value_micro"])
    assert [finding.place for finding in judged.findings] == told["findings"]


def test_the_best_of_the_proposed_is_decided_and_the_repair_is_one_of_them() -> None:
    counted = [row for row in BATCHES["proposed"] if row.get("candidate")]
    plans = [make_candidate(DRAFT, read_counts(DRAFT, tuple(row["batches"]))) for row in counted]
    chosen = choose_candidate(DRAFT, reversed(plans))
    assert len(plans) > 1 and digest_plan(format_plan(chosen)) == BATCHES["decided"]["candidate"]
    assert list(list_counts(DRAFT, repair_batches(DRAFT))) == BATCHES["repair"]


def test_what_is_to_be_carried_follows_from_the_plan() -> None:
    assert plain([asdict(one) for one in list_transports(PLAN)]) == DELIVERY["transports"]


def test_ways_are_as_long_as_the_file_says() -> None:
    places = {name: Place(*place) for name, place in DELIVERY["places"].items()}
    for one, other, metres in DELIVERY["metres"]:
        assert metres_between(places[one], places[other]) == metres_between(places[other], places[one]) == metres


def test_the_delivery_holds_and_is_proven_shortest() -> None:
    delivery = parse_delivery(DELIVERY["delivery"].encode())
    assert format_delivery(delivery).decode() == DELIVERY["delivery"]
    checked = check_delivery(PLAN, delivery)
    assert checked.findings == () and [asdict(one) for one in checked.goods] == DELIVERY["goods"]


@pytest.mark.parametrize("row", DELIVERY["broken"], ids=lambda row: row["says"])
def test_a_delivery_that_does_not_hold_says_where(row: dict[str, Any]) -> None:
    found = check_delivery(PLAN, parse_delivery(row["delivery"].encode())).findings
    assert [finding.place for finding in found] == row["at"] != []


def test_the_account_follows_from_the_words_in_any_order_of_logs() -> None:
    plan = parse_plan(FOLLOWING["plan"].encode())
    digest, planned = digest_plan(format_plan(plan)), list_planned(plan)
    promises, loads = defaultdict[str, list[PlanPromises]](list), defaultdict[str, list[PlanDelivery]](list)
    for row in FOLLOWING["promises"]:
        promise = to_struct(row["body"], PlanPromises)
        assert [finding.place for finding in audit_promises(row["log"], promise, digest, planned)] == row["at"]
        promises[row["log"]].append(promise)
    for row in FOLLOWING["deliveries"]:
        delivery = to_struct(row["body"], PlanDelivery)
        assert [finding.place for finding in audit_delivery(row["log"], delivery, digest, plan)] == row["at"]
        loads[row["log"]].append(delivery)
    for order in (sorted, lambda names: sorted(names, reverse=True)):
        promised = apply_promises({name: tuple(promises[name]) for name in order(promises)}, digest, planned)
        told = apply_deliveries({name: tuple(loads[name]) for name in order(loads)}, digest, plan)
        assert plain(asdict(account_for(plan, planned, promised, told))) == FOLLOWING["account"]


def plain(value: Any) -> Any:
    """Tuples as the lists that JSON has for them."""
    return msgspec.json.decode(msgspec.json.encode(value))
