"""Whose word counts for a price: signatures that look like one and are none."""

from typing import Any

import msgspec
import pytest

from protocol.core.identity import generate
from protocol.core.record import sign_statement
from protocol.federation.grants import KeyGrant
from protocol.supply.price_agreement import COMMITTEE_ROLE
from tests.protocol.supply.made_up_logs import NORTHSIDE, SOUTHGATE, no, person, proposal, yes
from tests.protocol.supply.price_story import Story


def sign_with_the_nodes_own_key(story: Story) -> None:
    story.northside.say(yes(story.price, story.read))


def sign_with_an_ungranted_key(story: Story) -> None:
    story.northside.embed(person(9), yes(story.price, story.read))


def sign_before_the_grant(story: Story) -> None:
    story.northside.embed(person(4), yes(story.price, story.read))
    story.northside.grant(person(4))


def sign_after_the_grant_has_ended(story: Story) -> None:
    story.northside.grant(person(2), ends=True)
    story.northside.embed(person(2), yes(story.price, story.read))


def sign_with_another_role(story: Story) -> None:
    story.northside.grant(person(5), role="facilitator")
    story.northside.embed(person(5), yes(story.price, story.read))


def sign_for_another_log(story: Story) -> None:
    story.northside.embed(person(2), yes(story.price, story.read), audience=SOUTHGATE)


def sign_in_another_log(story: Story) -> None:
    story.southgate.embed(person(2), yes(story.price, story.read))


def sign_by_the_office(story: Story) -> None:
    story.northside.grant(generate(story.northside.keys.log))
    story.northside.embed(person(2), yes(story.price, story.read), office=True)


def sign_with_a_granted_node_key(story: Story) -> None:
    witness = generate(story.northside.keys.witness)
    story.northside.grant(witness)
    story.northside.embed(witness, yes(story.price, story.read))


def sign_falsely(story: Story) -> None:
    true = story.northside.embed(person(2), yes(story.price, story.read)).record
    story.northside.filed.pop()
    assert true.statement is not None
    forged = msgspec.structs.replace(sign_statement(true.statement, person(9)), key_id=true.by)
    story.northside.embed_signed(true.statement, forged, yes(story.price, story.read))


def sign_with_a_key_that_a_member_granted(story: Story) -> None:
    grant = KeyGrant(key=person(9).public, role=COMMITTEE_ROLE, holder="committee member", ends=False)
    story.northside.embed(person(1), grant)
    story.northside.embed(person(9), yes(story.price, story.read))


def sign_having_read_something_else(story: Story) -> None:
    story.northside.embed(person(2), yes(story.price, story.price))


def sign_another_version(story: Story) -> None:
    later = story.bakery.say(proposal(version=2, after=story.price.leaf, valid_from="2027-01-01"))
    story.northside.embed(person(2), yes(later, story.read))


def give_a_reason_with_a_yes(story: Story) -> None:
    story.northside.embed(person(2), msgspec.structs.replace(yes(story.price, story.read), reason="price"))


@pytest.mark.parametrize(
    "second_signature",
    [
        sign_with_the_nodes_own_key,
        sign_with_an_ungranted_key,
        sign_before_the_grant,
        sign_after_the_grant_has_ended,
        sign_with_another_role,
        sign_for_another_log,
        sign_in_another_log,
        sign_by_the_office,
        sign_with_a_granted_node_key,
        sign_falsely,
        sign_with_a_key_that_a_member_granted,
        sign_having_read_something_else,
        sign_another_version,
        give_a_reason_with_a_yes,
    ],
)
def test_a_second_signature_that_is_not_one_leaves_the_price_unagreed(second_signature: Any) -> None:
    story = Story()
    story.sign(1)
    second_signature(story)
    assert story.status().state in ("in talks", "superseded")
    assert len([word for word in story.status().signed_by if word.origin == NORTHSIDE]) == 1
    story.sign(3)
    assert story.status().state == "agreed"


def test_what_does_not_count_is_shown_with_its_place_and_reason() -> None:
    story = Story()
    sign_with_an_ungranted_key(story)
    assert [str(each) for each in story.status().not_counted] == [
        f"{NORTHSIDE} #4: this key was not on the price committee when it signed"
    ]
    assert story.status().state == "proposed"


def test_a_no_can_become_a_yes_and_a_replaced_word_never_comes_back() -> None:
    story = Story()
    story.sign(1)
    first = story.northside.filed[-1].record
    story.northside.embed(person(1), no(story.price, story.read))
    assert first.statement is not None
    story.northside.embed_signed(first.statement, first.sigs[0], yes(story.price, story.read))
    story.sign(2)
    assert story.status().state == "in talks"
    assert story.status().not_counted[-1].reason == "the same statement stands before"
    story.sign(1)
    assert story.status().state == "agreed"


def test_a_no_counts_whatever_was_read() -> None:
    story = Story()
    story.northside.embed(person(1), no(story.price, story.price))
    story.northside.embed(person(2), no(story.price, story.price))
    assert story.status().state == "refused"


def test_only_a_first_record_names_the_keys_of_a_node() -> None:
    story = Story()
    founding = story.northside.filed[0].body
    claimed = msgspec.structs.replace(founding.keys, tls=person(1).public)
    story.northside.say(msgspec.structs.replace(founding, keys=claimed))
    story.sign(1, 2)
    assert story.status().state == "agreed"
