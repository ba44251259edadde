"""Prices in whatever order records arrive, and whatever the parties do."""

import random

from hypothesis import given
from hypothesis import strategies as st

from protocol.supply.facts import gather_facts
from protocol.supply.price_status import assess_prices
from tests.protocol.supply.made_up_logs import BAKERY, NORTHSIDE, REQUIRED, RULES, disclosure, no, person, proposal, yes
from tests.protocol.supply.price_story import ITEM, Story

EVENTS = ("yes", "no", "stranger", "node", "cost", "section", "version", "answer", "grant", "end")


def play(story: Story, event: str, number: int) -> None:
    """One thing that may happen in any state."""
    latest = [filed for filed in story.records() if type(filed.body) is type(story.price.body)][-1]
    read = [filed for filed in story.bakery.filed if type(filed.body) is type(story.read.body)][-1]
    if event in ("yes", "no"):
        story.northside.embed(person(number), (yes if event == "yes" else no)(latest, read))
    elif event == "stranger":
        story.northside.embed(person(9), yes(latest, read))
    elif event == "node":
        story.northside.say(yes(latest, read))
    elif event == "cost":
        story.bakery.say(disclosure(*REQUIRED, cost_cents=300 + number, version=2))
    elif event == "section":
        story.bakery.say(disclosure("ingredients", version=2))
    elif event == "version":
        log = story.bakery if number == 1 else story.northside
        log.say(proposal(version=latest.body.version + 1, after=latest.leaf, valid_from=f"2027-01-0{number}"))
    elif event == "answer":
        story.bakery.say(yes(latest, read))
    else:
        story.northside.grant(person(number), ends=event == "end")


@given(st.lists(st.tuples(st.sampled_from(EVENTS), st.integers(1, 3)), max_size=8), st.integers(0, 2**32))
def test_any_order_of_delivery_ends_in_the_same_statuses(events: list[tuple[str, int]], seed: int) -> None:
    story = Story()
    for event, number in events:
        play(story, event, number)
    shuffled = story.records() + story.records()[:3]
    random.Random(seed).shuffle(shuffled)
    assert assess_prices(gather_facts(shuffled), RULES) == assess_prices(story.facts(), RULES)


@given(st.lists(st.tuples(st.sampled_from(EVENTS), st.integers(1, 3)), max_size=8))
def test_an_agreed_price_always_has_both_sides_and_a_full_disclosure(events: list[tuple[str, int]]) -> None:
    story = Story()
    story.sign(1, 2)
    for event, number in events:
        play(story, event, number)
    facts = story.facts()
    for leaf, status in assess_prices(facts, RULES).items():
        assert status.state in ("void", "proposed", "in talks", "agreed", "superseded", "refused")
        assert status.reasons or status.state in ("proposed", "in talks", "agreed")
        if status.state == "agreed":
            signers = {word.key_id for word in status.signed_by if word.origin == NORTHSIDE and word.approve}
            assert len(signers) >= RULES.committee_threshold
            assert any(word.origin == BAKERY and word.approve for word in status.signed_by)
            current = facts.current_disclosure(ITEM)
            assert current is not None and {each.name for each in current.body.sections} >= set(REQUIRED)
            assert facts.proposals[leaf].body.version >= 1
