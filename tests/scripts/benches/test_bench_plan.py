"""The parts of the planning bench, on made-up regions: its verdicts rest on them."""

import numpy as np

from protocol.planning.cards import ConsumerCard
from protocol.planning.economy_file import read_economy
from scripts.benches.plan.agent_liars import open_stage
from scripts.benches.plan.agent_lies import NOT_SOLD, AgentLies
from scripts.benches.plan.batches import Batching, measure_batching
from scripts.benches.plan.economies import Region, open_region
from scripts.benches.plan.liars import tell_lies
from scripts.benches.plan.run import measure_course
from scripts.benches.plan.tatonnement import damped, follow_rule, naive, respond_at
from scripts.benches.plan.trials import TOLERANCES, lose_answers, run_course, run_warm
from tests.protocol.planning.economies import region, village

COARSE, FINE = TOLERANCES


def made_up(seed: int = 3) -> Region:
    return open_region(read_economy(region(seed, eaten=12), FINE))


def test_a_course_notes_both_tolerances_and_what_they_cost() -> None:
    course = run_course(made_up())
    assert course.rounds[COARSE] < course.rounds[FINE]
    assert 0 < course.gaps[FINE] < 0.02
    assert course.gaps[COARSE] < 0.2
    assert course.public_seconds < course.seconds[FINE]
    figures = {figure.name: figure for figure in measure_course("here", 20, course, made_up().members)}
    assert figures["here: certificate checked"].is_reached
    assert figures["here: answers of a round"].value > 1_000


def test_lost_answers_are_drawn_by_the_seed() -> None:
    answers = dict(made_up().members.answer(run_course(made_up(), (COARSE,)).states[COARSE]))
    lost = [lose_answers(500_000, seed)(1, dict(answers)) for seed in (1, 1, 2)]
    assert lost[0] == lost[1] != lost[2]
    assert any(answer is None for answer in lost[0].values()) and any(lost[0].values())


def test_an_unchanged_economy_is_at_once_where_it_was() -> None:
    assert run_warm(made_up(), made_up()) <= 2


def test_at_given_prices_nobody_goes_beyond_a_capacity_and_all_credits_are_spent() -> None:
    here = open_region(read_economy(village(), FINE))
    prices = np.array([2.0, 1.0, 0.8, 6.0, 0.2, 1.0])
    demand, supply = respond_at(here.economy, here.members, prices)
    floors = np.array([7.0, 0.0])
    assert np.isclose((demand[:2] - floors) @ prices[:2], 240.0)
    # The mill uses 12 credits of hours for each 80 of flour: it stands at its 100 kg, the oven does not gain.
    assert np.isclose(supply[2], 100.0) and supply[0] <= 70.0 and supply[1] <= 450.0


def test_the_textbook_rules_do_not_come_into_balance_where_recipes_have_capacities() -> None:
    for rule in (naive(0.05), naive(0.15), damped()):
        rounds, best = follow_rule(made_up(), rule, 0.01)
        assert rounds is None and 0.01 < best <= 1.0


def test_asking_for_more_than_one_wants_does_not_pay() -> None:
    told = tell_lies(made_up())
    assert len(told) == 5
    assert all(told[f"asks for {times} times its wants"][0] < 0.5 for times in ("1.3", "2"))
    assert told["calls 20 % of its wants a need"][0] > 1


def test_what_batches_cost_stands_beside_what_rounding_costs() -> None:
    document = region(4, eaten=9)
    for workplace in document["workplaces"]:
        if not workplace["id"].startswith("import-"):
            for technique in workplace["techniques"]:
                technique["batch"] = f"{float(workplace['capacity']) / 50 - 0.001:.3f}"
    here = open_region(read_economy(document, FINE))
    told = {figure.name: figure for figure in measure_batching("here", [here], Batching(0.02, 1, 2.0), wait_s=1.0)}
    start = "here: batches of 2 % of capacity, 1 or more: "
    assert 0 < told[start + "lost, median"].value == told[start + "lost, worst"].value < 2.0
    assert told[start + "lost, median"].is_reached and told[start + "rounds more, median"].value >= 1
    assert told[start + "repaired only, holds of 1"].value == 1
    rounded = [figure.value for name, figure in told.items() if name.startswith(start + "rounded down, lost")]
    assert min(rounded, default=100.0) > told[start + "lost, worst"].value


def test_on_the_agent_s_road_a_false_card_is_void_and_asking_for_more_of_everything_changes_nothing() -> None:
    with open_stage(1, weeks=1) as stage:
        name = "northside"
        (card,) = stage.sides[name].cards.consumers
        assert not stage.is_void(name, stage.sides[name])
        lies = AgentLies(stage, name)
        for false in (lies.with_floors(20), lies.with_credits(105), lies.with_people(105)):
            assert stage.is_void(name, false)
        sold = [good for good, said in stage.sides[name].sources.items() if not said[0].startswith(NOT_SOLD)]
        (more,), (one,) = (lies.edited(dict.fromkeys(of, 300)).cards.consumers for of in (sold, sold[:1]))
        # The odd cents of what is too rare to stand alone are shared out anew: a few in a million.
        assert far(card, more) < 1e-4 < 1e-2 < far(card, one)


def far(one: ConsumerCard, other: ConsumerCard) -> float:
    """By which share the credits of some nest differ most."""
    pairs = zip(one.nests, other.nests, strict=True)
    return max(abs(left.credits_micro / right.credits_micro - 1) for left, right in pairs)
