"""Following a plan: promises and deliveries come to the same in any order, hostile words count for nothing."""

import itertools
import random
from collections.abc import Mapping

import pytest

from protocol.core.encoding import to_struct
from protocol.core.errors import RefusedError
from protocol.planning.card_rules import GOODS_MOST, QUANTITY_MOST
from protocol.planning.following import deliveries
from protocol.planning.following.account import Account, LineAccount, account_for
from protocol.planning.following.deliveries import Told, apply_deliveries, audit_delivery
from protocol.planning.following.promises import apply_promises, audit_promises, list_planned
from protocol.planning.following.records import CardPromises, Carried, PlanDelivery, PlanPromises, Promise
from protocol.planning.plan import Plan
from tests.protocol.planning.economies import finished_plan, load, village

CALL, DIGEST = bytes([1]) * 32, bytes([2]) * 32
BREAD, MILK, FLOUR, HOURS = range(4)


@pytest.fixture(scope="module")
def plan() -> Plan:
    """The village's plan: an oven bakes for north and south, a farm and outside trade bring milk, a mill flour."""
    return finished_plan(*load(village()))


def promise(card: str, *lines: tuple[int, int], digest: bytes = DIGEST) -> PlanPromises:
    return PlanPromises(CALL, digest, (CardPromises(card, tuple(Promise(*line) for line in lines)),))


def carry(*loads: tuple[int, str, str, int], digest: bytes = DIGEST) -> PlanDelivery:
    return PlanDelivery(CALL, digest, tuple(Carried(*load) for load in loads))


def line_of(account: Account, card: str, good: str) -> LineAccount:
    return next(line for line in account.lines if (line.card, line.good) == (card, good))


def account_of(
    plan: Plan,
    promises: Mapping[str, tuple[PlanPromises, ...]] | None = None,
    deliveries: Mapping[str, tuple[PlanDelivery, ...]] | None = None,
) -> Account:
    planned = list_planned(plan)
    promised = apply_promises(promises or {}, DIGEST, planned)
    return account_for(plan, planned, promised, apply_deliveries(deliveries or {}, DIGEST, plan))


def test_what_the_plan_asks_adds_up_good_by_good(plan: Plan) -> None:
    planned = list_planned(plan)
    assert {line.card for line in planned.values() if line.is_outside} == {"import-milk"}
    for good in (BREAD, MILK, FLOUR):
        gives = sum(line.units for line in planned.values() if line.good == good and line.side == "gives")
        takes = sum(line.units for line in planned.values() if line.good == good and line.side == "takes")
        assert gives >= takes > 0
    assert planned["oven", BREAD].side == "gives" and planned["oven", FLOUR].side == "takes"
    assert account_of(plan).missing == ("farm", "mill", "north", "oven", "south")


def test_the_last_word_on_a_line_counts_and_the_rest_stays_as_it_was_said(plan: Plan) -> None:
    planned = list_planned(plan)
    bread, flour = planned["oven", BREAD].units, planned["oven", FLOUR].units
    said = {"oven": (promise("oven", (BREAD, bread), (FLOUR, flour)), promise("oven", (BREAD, bread - 1_000)))}
    account = account_of(plan, said)
    oven = line_of(account, "oven", "bread")
    assert (oven.planned, oven.promised, oven.short, oven.open) == (bread, bread - 1_000, 1_000, bread - 1_000)
    assert line_of(account, "oven", "flour").promised == flour
    (good,) = (one for one in account.goods if one.good == "bread")
    assert (good.promised, good.unsaid) == (bread - 1_000, 0)
    assert good.short == good.planned - (bread - 1_000)
    assert account.missing == ("farm", "mill", "north", "south")


def test_who_has_said_a_part_is_not_missing_and_who_has_said_nothing_is_counted_on_as_planned(plan: Plan) -> None:
    planned = list_planned(plan)
    account = account_of(plan, {"oven": (promise("oven", (FLOUR, 0)),)})
    assert "oven" not in account.missing and line_of(account, "oven", "bread").promised is None
    milk = next(one for one in account.goods if one.good == "milk")
    assert milk.unsaid == planned["farm", MILK].units and milk.promised == planned["import-milk", MILK].units
    assert milk.short == 0
    without = apply_promises({"farm": (promise("farm", (MILK, 0)),)}, DIGEST, planned)
    short = next(one for one in account_for(plan, planned, without, {}).goods if one.good == "milk").short
    assert short == milk.planned - milk.promised


def test_a_good_that_only_an_earlier_revision_knew_is_no_part_of_the_account(plan: Plan) -> None:
    told = {("cake", "oven", "north"): Told(5, 5), ("bread", "oven", "north"): Told(5, 5)}
    account = account_for(plan, list_planned(plan), {}, told)
    assert [way.good for way in account.ways] == ["bread"]
    assert "cake" not in {line.good for line in account.lines}


def test_both_sides_of_a_way_stand_side_by_side_alike_or_not(plan: Plan) -> None:
    said = {
        "oven": (carry((BREAD, "oven", "north", 9_000), (BREAD, "oven", "south", 4_000)),),
        "north": (carry((BREAD, "oven", "north", 5_000)), carry((BREAD, "oven", "north", 4_000))),
        "south": (carry((BREAD, "oven", "south", 3_500), (MILK, "import-milk", "south", 800)),),
    }
    account = account_of(plan, None, said)
    ways = {(way.source, way.to): way for way in account.ways}
    assert (ways["oven", "north"].given, ways["oven", "north"].received) == (9_000, 9_000)
    assert not ways["oven", "north"].differs
    assert (ways["oven", "south"].given, ways["oven", "south"].received) == (4_000, 3_500)
    assert ways["oven", "south"].differs
    assert ways["import-milk", "south"].given is None, "nobody signs for what is bought outside"
    oven, south = line_of(account, "oven", "bread"), line_of(account, "south", "milk")
    assert (oven.done, oven.others) == (13_000, 12_500)
    assert (south.done, south.others) == (800, 800)
    assert line_of(account, "import-milk", "milk").done == 800
    (bread,) = (one for one in account.goods if one.good == "bread")
    assert (bread.given, bread.received, bread.open) == (13_000, 12_500, bread.planned - 12_500)


def test_what_only_one_end_says_is_its_own_word_and_the_other_s_is_nothing(plan: Plan) -> None:
    said = {
        "oven": (carry((BREAD, "oven", "north", 100)),),
        "south": (carry((BREAD, "oven", "south", 300)),),
    }
    account = account_of(plan, None, said)
    words = {card: line_of(account, card, "bread") for card in ("oven", "north", "south")}
    assert {card: (line.done, line.others) for card, line in words.items()} == {
        "oven": (100, 300),
        "north": (0, 100),
        "south": (300, 0),
    }
    mill = line_of(account, "mill", "flour")
    assert (mill.done, mill.others) == (0, 0), "nobody has spoken of flour"


def test_who_gives_and_takes_all_or_more_has_nothing_open_and_nothing_short(plan: Plan) -> None:
    planned = list_planned(plan)
    bread, north = planned["oven", BREAD].units, planned["north", BREAD].units
    for more in (0, 1, 5_000):
        promised = {"oven": (promise("oven", (BREAD, bread + more)),)}
        carried = {
            "oven": (carry((BREAD, "oven", "north", bread + more)),),
            "north": (carry((BREAD, "oven", "north", north + more)),),
        }
        account = account_of(plan, promised, carried)
        oven = line_of(account, "oven", "bread")
        assert (oven.open, oven.short, line_of(account, "north", "bread").open) == (0, 0, 0)
        bread_in_all = next(one for one in account.goods if one.good == "bread")
        assert bread_in_all.open == planned["south", BREAD].units


def test_where_both_sides_agree_what_is_given_is_what_is_received(plan: Plan) -> None:
    chance = random.Random(4)
    said: dict[str, tuple[PlanDelivery, ...]] = {}
    for _ in range(40):
        source, to = chance.choice([("oven", "north"), ("oven", "south"), ("mill", "oven"), ("farm", "north")])
        good = {"oven": BREAD, "mill": FLOUR, "farm": MILK}[source]
        body = carry((good, source, to, chance.randint(1, 500)))
        for side in (source, to):
            said[side] = (*said.get(side, ()), body)
    account = account_of(plan, None, said)
    assert len(account.goods) == 3 and account.ways
    for one in account.goods:
        assert one.given == one.received
    assert not any(way.differs for way in account.ways)


def test_what_was_carried_beside_the_plan_is_shown_and_asks_for_nothing(plan: Plan) -> None:
    account = account_of(plan, None, {"mill": (carry((FLOUR, "mill", "south", 700)),)})
    south = line_of(account, "south", "flour")
    assert (south.planned, south.done, south.others, south.open, south.short) == (0, 0, 700, 0, 0)


def test_every_order_of_the_logs_and_word_by_word_come_to_the_same(plan: Plan) -> None:
    chance, planned = random.Random(7), list_planned(plan)
    said: dict[str, list[PlanDelivery]] = {"oven": [], "north": [], "south": []}
    for _ in range(30):
        to = chance.choice(["north", "south"])
        body = carry((BREAD, "oven", to, chance.randint(-400, 600) or 1))
        said[chance.choice(["oven", to])].append(body)
    promises = {name: (promise(name, (BREAD, chance.randint(0, 50_000))),) for name in said}
    whole = apply_deliveries({name: tuple(bodies) for name, bodies in said.items()}, DIGEST, plan)
    assert all(min(one.given or 0, one.received or 0) >= 0 for one in whole.values())
    for order in itertools.permutations(said):
        one_by_one: dict[tuple[str, str, str], Told] = {}
        left = {name: list(said[name]) for name in order}
        while any(left.values()):
            name = chance.choice([name for name in order if left[name]])
            one_by_one = apply_deliveries({name: (left[name].pop(0),)}, DIGEST, plan, one_by_one)
        assert one_by_one == whole
        shuffled = {name: promises[name] for name in order}
        assert apply_promises(shuffled, DIGEST, planned) == apply_promises(promises, DIGEST, planned)


HOSTILE_PROMISES = {
    "of another plan": ("oven", promise("oven", (BREAD, 1), digest=CALL), "plan: is not the plan in force"),
    "for another's card": ("north", promise("oven", (BREAD, 1)), "oven: not a card of this member"),
    "for a card that begins like its own": ("oven", promise("oven2#x", (BREAD, 1)), "oven2#x: not a card"),
    "for a good that it does not touch": ("oven", promise("oven", (MILK, 1)), "oven.1: the plan asks nothing"),
    "for a good that nobody carries": ("oven", promise("oven", (HOURS, 1)), "oven.3: the plan asks nothing"),
    "for a good that is none": ("oven", promise("oven", (2_000, 1)), "oven.2000: the plan asks nothing"),
    "twice for one good": ("oven", promise("oven", (BREAD, 1), (BREAD, 2)), "oven: one good stands twice"),
    "twice for one card": (
        "oven",
        PlanPromises(CALL, DIGEST, (CardPromises("oven", (Promise(BREAD, 1),)),) * 2),
        "cards: one card stands twice",
    ),
    "for outside trade": ("import-milk", promise("nobody", (MILK, 1)), "nobody: not a card of this member"),
}


@pytest.mark.parametrize(("origin", "body", "reason"), HOSTILE_PROMISES.values(), ids=HOSTILE_PROMISES)
def test_a_promise_counts_for_nothing(plan: Plan, origin: str, body: PlanPromises, reason: str) -> None:
    planned = list_planned(plan)
    (finding,) = audit_promises(origin, body, DIGEST, planned)
    assert str(finding).startswith(reason)
    assert apply_promises({origin: (body,)}, DIGEST, planned) == {}


HOSTILE_DELIVERIES = {
    "of another plan": ("oven", carry((BREAD, "oven", "north", 1), digest=CALL), "plan: is not the plan in force"),
    "between others": ("mill", carry((BREAD, "oven", "north", 1)), "loads[0]: neither end"),
    "of hours": ("oven", carry((HOURS, "oven", "north", 1)), "loads[0].good: is nothing that can be carried"),
    "of a good that is none": ("oven", carry((2_000, "oven", "north", 1)), "loads[0].good"),
    "to nobody": ("oven", carry((BREAD, "oven", "nobody", 1)), "loads[0].to: no card of this plan"),
    "to itself": ("oven", carry((BREAD, "oven", "oven", 1)), "loads[0]: nothing is carried"),
    "of nothing": ("oven", carry((BREAD, "oven", "north", 0)), "loads[0]: nothing is carried"),
    "the second load between others": (
        "oven",
        carry((BREAD, "oven", "north", 1), (FLOUR, "mill", "north", 1)),
        "loads[1]: neither end",
    ),
}


@pytest.mark.parametrize(("origin", "body", "reason"), HOSTILE_DELIVERIES.values(), ids=HOSTILE_DELIVERIES)
def test_a_delivery_counts_for_nothing(plan: Plan, origin: str, body: PlanDelivery, reason: str) -> None:
    (finding, *_) = audit_delivery(origin, body, DIGEST, plan)
    assert str(finding).startswith(reason)
    assert apply_deliveries({origin: (body,)}, DIGEST, plan) == {}


def test_what_is_said_never_falls_below_nothing_nor_grows_beyond_bounds(plan: Plan) -> None:
    way = ("bread", "oven", "north")
    back = carry((BREAD, "oven", "north", -600))
    said = {"oven": (carry((BREAD, "oven", "north", 500)), back, carry((BREAD, "oven", "north", 200)), back)}
    assert apply_deliveries(said, DIGEST, plan) == {way: Told(100, None)}
    most = carry((BREAD, "oven", "north", QUANTITY_MOST))
    assert apply_deliveries({"oven": (most, most, most)}, DIGEST, plan) == {way: Told(QUANTITY_MOST, None)}


def test_a_co_op_tells_of_so_many_ways_and_no_more(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deliveries, "WAYS_MAX", 1)
    first, second = carry((BREAD, "oven", "north", 5)), carry((BREAD, "oven", "south", 5))
    said = {"oven": (first, second, first), "south": (second,)}
    told = {("bread", "oven", "north"): Told(10, None), ("bread", "oven", "south"): Told(None, 5)}
    assert apply_deliveries(said, DIGEST, plan) == told


def test_ways_of_which_a_co_op_told_under_earlier_revisions_count_towards_its_most(
    plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    to_north, to_south = ("bread", "oven", "north"), ("bread", "oven", "south")
    monkeypatch.setattr(deliveries, "WAYS_MAX", 1)
    more = {"oven": (carry((BREAD, "oven", "south", 5)),)}
    assert apply_deliveries(more, DIGEST, plan, {to_north: Told(1, None)}) == {to_north: Told(1, None)}
    # What only the other end has said is no way of which the oven told.
    by_north = {to_north: Told(None, 1)}
    assert apply_deliveries(more, DIGEST, plan, by_north) == by_north | {to_south: Told(5, None)}
    milk = {"north": (carry((MILK, "farm", "north", 5)),)}
    assert apply_deliveries(milk, DIGEST, plan, by_north) == by_north
    assert len(apply_deliveries(milk, DIGEST, plan, {to_north: Told(1, None)})) == 2


@pytest.mark.parametrize("lines", [[[-1, 5]], [[0, -1]], [[0, QUANTITY_MOST + 1]], [[GOODS_MOST, 1]]])
def test_a_promise_of_no_good_or_no_amount_is_none(lines: list[list[int]]) -> None:
    body = {"call": CALL, "plan": DIGEST, "cards": [["oven", lines]]}
    with pytest.raises(RefusedError):
        to_struct(body, PlanPromises)


def test_what_was_carried_before_a_revision_still_counts(plan: Plan) -> None:
    way = ("bread", "oven", "north")
    before = apply_deliveries({"oven": (carry((BREAD, "oven", "north", 500)),)}, DIGEST, plan)
    later = carry((BREAD, "oven", "north", 100), digest=CALL)
    assert apply_deliveries({"oven": (later,)}, CALL, plan, before) == {way: Told(600, None)}
