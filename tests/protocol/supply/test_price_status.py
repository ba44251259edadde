"""Where a price stands, told as stories of a bakery and two co-ops."""

from typing import Any

import msgspec
import pytest

from protocol.core.quantities import Money, Quantity
from protocol.supply.facts import audit_filed_product
from protocol.supply.price_status import assess_prices, describe_product
from tests.protocol.supply.made_up_logs import (
    BAKERY,
    NORTHSIDE,
    REQUIRED,
    RULES,
    SOUTHGATE,
    Region,
    disclosure,
    loaf,
    no,
    person,
    proposal,
    sheet,
    yes,
)
from tests.protocol.supply.price_story import ITEM, Story, reasons


def test_a_new_proposal_waits_for_the_committee() -> None:
    story = Story()
    status = story.status()
    assert status.state == "proposed"
    assert [(word.origin, word.role) for word in status.signed_by] == [(BAKERY, "producer")]
    assert [str(each) for each in status.waits_for] == [f"{NORTHSIDE}: 2 more signatures of its price committee"]
    assert story.product_state() == "disclosed"


def test_one_signature_of_two_is_talks_and_two_agree() -> None:
    story = Story()
    story.sign(1)
    assert story.status().state == "in talks"
    assert [str(each) for each in story.status().waits_for] == [f"{NORTHSIDE}: 1 more signature of its price committee"]
    story.sign(3)
    assert story.status().state == "agreed"
    assert story.status().waits_for == []
    assert story.product_state() == "agreed"


def test_a_word_counts_as_talk_wherever_it_happens_to_lie() -> None:
    story = Story()
    price = story.bakery.say(proposal(sheet=sheet(350)))
    story.sign(1, price=price)
    assert story.northside.filed[-1].index == price.index
    assert story.status(price).state == "in talks"


def test_one_member_signing_twice_is_one_signature() -> None:
    story = Story()
    story.sign(1, 1)
    assert story.status().state == "in talks"


def test_no_agreed_price_while_a_required_section_is_missing() -> None:
    story = Story("ingredients")
    story.sign(1, 2)
    status = story.status()
    assert status.state == "void"
    assert reasons(status) == ["disclosure.working_conditions: working conditions: not disclosed yet"]
    assert story.product_state() == "in talks"


def test_a_signature_from_before_the_full_disclosure_does_not_count_after_it() -> None:
    story = Story("ingredients")
    story.sign(1, 2)
    full = story.bakery.say(disclosure(*REQUIRED, version=2))
    assert story.status().state == "proposed"
    assert "signed before the disclosure was full" in story.status().not_counted[0].reason
    story.sign(1, 2, read=full)
    assert story.status().state == "agreed"


def test_nothing_disclosed_at_all_names_every_section() -> None:
    story = Region()
    story.bakery.say(loaf())
    price = story.bakery.say(proposal())
    status = assess_prices(story.facts(), RULES)[price.leaf]
    assert [finding.place for finding in status.reasons] == [f"disclosure.{name}" for name in REQUIRED]
    assert describe_product(story.facts(), RULES, ITEM, [status]) == "in talks"
    assert describe_product(story.facts(), RULES, ITEM, []) == "not disclosed"


def test_a_charter_that_asks_for_more_voids_what_it_no_longer_covers() -> None:
    story = Story()
    story.sign(1, 2)
    stricter = RULES._replace(required_sections=(*REQUIRED, "environment"))
    status = assess_prices(story.facts(), stricter)[story.price.leaf]
    assert (status.state, status.reasons[0].place) == ("void", "disclosure.environment")


def test_a_no_after_the_agreement_needs_a_new_version() -> None:
    story = Story()
    story.sign(1, 2)
    story.northside.embed(person(1), no(story.price, story.read))
    story.bakery.say(no(story.price, story.read))
    assert story.status().state == "agreed"


def test_a_committee_that_can_no_longer_agree_has_refused() -> None:
    story = Story()
    story.northside.embed(person(1), no(story.price, story.read))
    assert story.status().state == "in talks"
    story.northside.embed(person(2), no(story.price, story.read, "volume"))
    assert story.status().state == "refused"
    assert reasons(story.status()) == [
        f"{NORTHSIDE}: committee member says no: the price",
        f"{NORTHSIDE}: committee member says no: the guaranteed volume",
    ]


def test_a_co_op_proposes_and_the_producer_answers_in_its_own_log() -> None:
    story = Story()
    offer = story.northside.say(
        proposal(version=2, after=story.price.leaf, sheet=sheet(330, materials=300, surplus=30))
    )
    story.sign(1, 2, price=offer)
    assert story.status(offer).state == "in talks"
    assert [str(each) for each in story.status(offer).waits_for] == [f"{BAKERY}: the producer's word"]
    assert story.status().state == "superseded"
    story.bakery.say(yes(offer, story.read))
    assert story.status(offer).state == "agreed"


def test_a_producer_who_says_no_has_refused() -> None:
    story = Story()
    offer = story.northside.say(proposal(sheet=sheet(330, materials=300, surplus=30)))
    story.bakery.say(no(offer, story.read))
    assert story.status(offer).state == "refused"
    assert reasons(story.status(offer)) == [f"{BAKERY}: producer says no: the price"]


def test_every_buyer_that_is_named_must_sign() -> None:
    story = Story()
    both = story.bakery.say(proposal(NORTHSIDE, SOUTHGATE))
    story.sign(1, 2, price=both)
    assert story.status(both).state == "in talks"
    assert [finding.place for finding in story.status(both).waits_for] == [SOUTHGATE]
    story.sign(11, 12, price=both)
    assert story.status(both).state == "agreed"


def test_an_agreed_price_holds_until_a_later_version_is_agreed() -> None:
    story = Story()
    story.sign(1, 2)
    second = story.bakery.say(proposal(version=2, after=story.price.leaf, sheet=sheet(350)))
    third = story.northside.say(proposal(version=3, after=second.leaf, sheet=sheet(345)))
    assert [story.status(each).state for each in (story.price, second, third)] == ["agreed", "superseded", "in talks"]
    story.sign(1, 2, price=third)
    story.bakery.say(yes(third, story.read))
    assert [story.status(each).state for each in (story.price, second, third)] == ["superseded", "superseded", "agreed"]
    assert reasons(story.status()) == ["version: version 3 is agreed"]


def test_a_changed_cost_reopens_an_agreed_price() -> None:
    story = Story()
    story.sign(1, 2)
    dearer = story.bakery.say(disclosure(*REQUIRED, cost_cents=310, version=2))
    status = story.status()
    assert status.state == "in talks"
    assert "the disclosed cost was 3.00 EUR then and is 3.10 EUR now" in status.reasons[0].reason
    signed = [filed.place for filed in story.northside.filed[-2:]]
    assert [finding.place for finding in status.reasons] == [story.price.place, *signed]
    assert [finding.place for finding in status.waits_for] == [BAKERY, NORTHSIDE]
    story.bakery.say(yes(story.price, dearer))
    story.sign(1, 2, read=dearer)
    assert story.status().state == "agreed"


def test_a_cost_that_is_told_for_the_first_time_reopens_nothing() -> None:
    story = Story(cost_cents=None)
    story.sign(1, 2)
    story.bakery.say(disclosure(*REQUIRED, cost_cents=300, version=2))
    assert story.status().state == "agreed"


def test_a_price_below_the_disclosed_cost_is_void() -> None:
    story = Story(cost_cents=319)
    story.sign(1, 2)
    assert story.status().state == "void"
    assert reasons(story.status()) == [
        "sheet.price: without tax it is 3.18 EUR, 0.01 EUR below the disclosed cost of 3.19 EUR"
    ]


@pytest.mark.parametrize(
    ("changes", "finding"),
    [
        ({"sheet": sheet(342, materials=341)}, "sheet.lines: the lines add up to 3.41 EUR"),
        ({"buyers": [SOUTHGATE, NORTHSIDE]}, "buyers: must be in alphabetical order"),
        ({"buyers": [BAKERY]}, "buyers: nobody agrees a price with itself"),
        ({"buyers": []}, "buyers: there are 0"),
        ({"version": 2}, "predecessor: every version but the first"),
        ({"version": 2, "predecessor": bytes(32)}, "predecessor: the version before is not known here"),
        ({"product": "in-house:rye-loaf"}, "product: oak-bakery.example/log has published no product"),
        ({"guaranteed_minimum": Quantity(0, "C62", 0)}, "guaranteed_minimum: must be more"),
        ({"guaranteed_minimum": Quantity(5, "KGM", 0)}, "guaranteed_minimum.unit: is counted in C62"),
        ({"valid_from": "2026-02-30"}, "valid_from: not a date"),
        ({"valid_from": "2025-02-29"}, "valid_from: not a date"),
        ({"period_days": 0}, "period_days: must be 1"),
    ],
)
def test_a_proposal_that_breaks_a_rule_is_void_with_place_and_reason(changes: dict[str, Any], finding: str) -> None:
    story = Story()
    wrong = story.bakery.say(msgspec.structs.replace(proposal(), **changes))
    assert story.status(wrong).state == "void"
    assert any(text.startswith(finding) for text in reasons(story.status(wrong)))


def test_a_stranger_proposes_nothing_and_changes_nothing() -> None:
    story = Story()
    strange = story.southgate.say(proposal())
    assert "by: only the maker or one of the buyers" in reasons(story.status(strange))[0]
    butting_in = story.southgate.say(proposal(SOUTHGATE, version=2, after=story.price.leaf))
    skipping = story.bakery.say(proposal(version=3, after=story.price.leaf))
    assert reasons(story.status(skipping)) == ["predecessor: is not the version before of this product"]
    assert reasons(story.status(butting_in)) == ["predecessor: only a party to the version before can change it"]
    assert story.status().state == "proposed"


def test_only_the_makers_own_log_describes_its_product_and_discloses_it() -> None:
    story = Story()
    foreign = story.northside.say(loaf(names={"en": "another loaf"}))
    story.northside.say(disclosure(cost_cents=1, version=9))
    story.bakery.embed(person(1), loaf(names={"en": "a person's loaf"}))
    assert [finding.place for finding in audit_filed_product(foreign)] == ["maker"]
    assert story.facts().products[ITEM].body.names["en"] == "wheat loaf"
    assert story.status().state == "proposed"


def test_a_cost_in_another_currency_cannot_be_compared() -> None:
    story = Story()
    told = msgspec.structs.replace(disclosure(*REQUIRED, version=2), cost=Money(300, "CHF", 2))
    story.bakery.say(told)
    assert "sheet.currency: the cost is disclosed in CHF" in reasons(story.status())[0]


def test_a_product_counted_otherwise_has_no_price_in_this_unit() -> None:
    story = Story()
    story.bakery.say(loaf(unit="KGM", case=None, minimum_order=Quantity(1, "KGM", 0), version=2))
    assert reasons(story.status()) == ["sheet.unit: the product is counted in KGM"]


def test_two_agreed_prices_for_one_buyer_are_both_said_to_be_so() -> None:
    story = Story()
    other = story.bakery.say(proposal(sheet=sheet(350)))
    story.sign(1, 2)
    story.sign(1, 2, price=other)
    for price in (story.price, other):
        assert story.status(price).state == "agreed"
        assert "a new version has to settle which holds" in reasons(story.status(price))[0]


def test_a_committee_without_enough_keys_is_told() -> None:
    story = Story()
    both = story.bakery.say(proposal(SOUTHGATE))
    story.southgate.grant(person(12), ends=True)
    assert "its log grants only 1 of the 2 keys" in story.status(both).waits_for[0].reason
