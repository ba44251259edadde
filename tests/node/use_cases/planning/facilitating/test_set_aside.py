"""What a member says that does not count: set aside with the reason, its sender counts as silent, the plan goes on."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from shutil import copytree

import msgspec
import pytest

from node.simulation.world.virtual_time import pass_time
from node.use_cases.planning.proposals.private_side import PrivateSide, answer_cards, prepare_side
from node.use_cases.planning.rounds.run import PlanRun
from node.use_cases.publish import publish
from protocol.core.errors import Finding
from protocol.planning.call import Allocation, CardAnswer, PlanAnswer
from protocol.planning.cards import ConsumerCard
from protocol.planning.state import hash_state
from tests.node.region.machine import Machine
from tests.node.region.memory_network import MemoryNetwork, run_region
from tests.node.region.plan_story import Known, look
from tests.node.region.village import COUNCILS, import_till, release, release_of

LIAR, OTHER = "quay", "south"
Change = Callable[[ConsumerCard, str], ConsumerCard]


def _more_credits(card: ConsumerCard, _: str) -> ConsumerCard:
    first, *rest = card.nests
    return _with_nests(card, msgspec.structs.replace(first, credits_micro=first.credits_micro + 1), *rest)


def _more_floor(card: ConsumerCard, _: str) -> ConsumerCard:
    first, *rest = card.nests
    floors = (first.floors[0] + 1, *first.floors[1:])
    return _with_nests(card, msgspec.structs.replace(first, floors=floors), *rest)


def _no_floor(card: ConsumerCard, _: str) -> ConsumerCard:
    return _with_nests(card, *(msgspec.structs.replace(one, floors=(0,) * len(one.floors)) for one in card.nests))


def _with_nests(card: ConsumerCard, *nests: object) -> ConsumerCard:
    return msgspec.structs.replace(card, nests=nests)


CARDS: tuple[tuple[str, Change, str], ...] = (
    ("a council's card one micro-credit above what its people are allotted", _more_credits, "1 too many"),
    ("a floor above the charter's list", _more_floor, "the list allots"),
    ("a floor below the charter's list", _no_floor, "the list allots"),
    ("another member's card", lambda card, other: msgspec.structs.replace(card, id=other), "not a card of this member"),
    (
        "a council's card for more people than the roster counts",
        lambda card, _: msgspec.structs.replace(card, people=card.people + 1),
        "the roster counts",
    ),
    (
        "a good that the table does not have",
        lambda card, _: _with_nests(card, msgspec.structs.replace(card.nests[0], goods=(0, 99)), *card.nests[1:]),
        "unknown good 99",
    ),
)
ALLOCATIONS: tuple[tuple[str, Allocation, str], ...] = (
    (
        "an allocation from above in a call that no level is above",
        Allocation(bytes(32), ()),
        "for whoever speaks for this region",
    ),
    (
        "an allocation's price for a good that the table does not have",
        Allocation(bytes(32), ((99, 1),)),
        "goods of the table once",
    ),
    ("an allocation's prices in another order", Allocation(bytes(32), ((1, 1), (0, 1))), "in ascending order"),
)
ANSWERS: tuple[tuple[str, Callable[[PlanAnswer, str], PlanAnswer], str], ...] = (
    (
        "an answer to another state",
        lambda body, _: msgspec.structs.replace(body, state=bytes(32)),
        "answers another state",
    ),
    (
        "an answer for another member's card",
        lambda body, other: msgspec.structs.replace(body, answers=(CardAnswer(other, body.answers[0].quantities),)),
        "not one answer for each of this member's cards",
    ),
    (
        "an answer with a quantity too few",
        lambda body, _: _with_quantities(body, body.answers[0].quantities[1:]),
        "the card has 4",
    ),
    (
        "an answer with a quantity below nothing",
        lambda body, _: _with_quantities(body, (-1, *body.answers[0].quantities[1:])),
        "must be",
    ),
)


def _with_quantities(body: PlanAnswer, quantities: tuple[int, ...]) -> PlanAnswer:
    return msgspec.structs.replace(body, answers=(CardAnswer(body.answers[0].card, quantities),))


@dataclass
class Told:
    """What the liar published, by its sentence, and what the honest nodes made of it all."""

    leaves: dict[str, bytes] = field(default_factory=dict)
    set_aside: list[dict[bytes, tuple[Finding, ...]]] = field(default_factory=list)
    known: list[Known] = field(default_factory=list)
    liar: str = ""


@pytest.fixture(scope="module")
def told(called_homes: Path, tmp_path_factory: pytest.TempPathFactory) -> Told:
    """One plan in which a council says everything wrong first, and only then what counts."""

    async def story(network: MemoryNetwork) -> Told:
        liar, honest = network[LIAR], [machine for machine in network.machines if machine.name != LIAR]
        found = Told(liar=liar.node.origin)
        await import_till(liar)
        for machine in honest:
            if machine.name in COUNCILS:
                await import_till(machine)
            await release(machine, 1)
            await release(machine, 2)
        await lie(liar, network[OTHER], found)
        await plan_of(honest, network)
        await network.settle()
        found.set_aside = [run_of(machine).set_aside for machine in honest]
        found.known = [await look(machine) for machine in honest]
        return found

    return run_region(
        copytree(called_homes, tmp_path_factory.mktemp("told") / "homes"), 31, story, without_planner=LIAR
    )


@pytest.mark.parametrize(("sentence", "reason"), [(one[0], one[2]) for one in (*CARDS, *ALLOCATIONS, *ANSWERS)])
def test_it_is_set_aside_by_everybody_with_its_reason(told: Told, sentence: str, reason: str) -> None:
    for kept in told.set_aside:
        assert any(reason in str(finding) for finding in kept[told.leaves[sentence]]), sentence


def test_only_what_was_wrong_is_set_aside(told: Told) -> None:
    assert [set(kept) for kept in told.set_aside] == [set(told.leaves.values())] * len(told.set_aside)


def test_whoever_answers_wrongly_counts_as_silent_in_that_round_and_with_its_first_right_word_after(told: Told) -> None:
    first = told.known[0].report.readings[0]
    assert [told.liar in one.silent for one in first.rounds[: len(ANSWERS)]] == [True] * len(ANSWERS)
    assert told.liar not in first.rounds[len(ANSWERS)].silent


def test_the_plan_goes_on_and_is_one_and_the_same_everywhere(told: Told) -> None:
    first = told.known[0]
    assert all(other == first for other in told.known[1:]) and all(first.digests)
    plan, certificate = first.report.plan, first.report.certificate
    assert certificate is not None and certificate.findings == ()
    assert plan is not None and told.liar not in plan.consumption, "it said nothing in the second reading"


async def lie(liar: Machine, other: Machine, told: Told) -> None:
    """Publish every wrong card and then the right one, every wrong answer in a round of its own, then right ones."""
    side = private_side(liar, run_of(other))
    (card,) = side.cards.consumers
    for sentence, change, _ in CARDS:
        cards = msgspec.structs.replace(side.cards, consumers=(change(card, other.node.origin),))
        told.leaves[sentence] = (await liar.do(publish(liar.node, "plan.card", cards))).leaf
    for sentence, allocation, _ in ALLOCATIONS:
        cards = msgspec.structs.replace(side.cards, allocation=allocation)
        told.leaves[sentence] = (await liar.do(publish(liar.node, "plan.card", cards))).leaf
    await liar.do(publish(liar.node, "plan.card", side.cards))
    for number, (sentence, spoil, _) in enumerate(ANSWERS, 1):
        body = spoil(await answer(other, side, number), other.node.origin)
        told.leaves[sentence] = (await liar.do(publish(liar.node, "plan.answer", body))).leaf
    right = await answer(other, side, len(ANSWERS) + 1)
    await liar.do(publish(liar.node, "plan.answer", right))


def private_side(liar: Machine, run: PlanRun) -> PrivateSide:
    """What an honest node in the liar's place would bring."""
    terms, people = run.terms, run.terms.members[liar.node.origin]
    assert run.table is not None
    released = release_of(liar.name)
    return prepare_side(liar.node, released, run.call_id, 1, run.table, people, terms.card_terms, terms.k_households)


async def answer(watched: Machine, side: PrivateSide, number: int) -> PlanAnswer:
    """The right answer in a round of the first reading, as soon as an honest node has come to it."""
    run = run_of(watched)
    while run.slot is None or run.slot.number != number or run.state is None or run.economy is None:
        assert run.reading.reading == 1, f"the first reading ended before round {number}"
        await pass_time(0.02)
    answers = answer_cards(side, run.state, run.economy)
    return PlanAnswer(run.call_id, 1, number, hash_state(run.state), answers)


async def plan_of(honest: list[Machine], network: MemoryNetwork) -> None:
    """Wait until the honest nodes have their last draft."""
    await network.until(lambda: all(run_of(machine).stage == "voting" for machine in honest), "the last draft", 900.0)


def run_of(machine: Machine) -> PlanRun:
    """A machine's plan."""
    assert machine.run is not None
    return machine.run
