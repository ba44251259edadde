"""The vectors of a federation, read as someone else's program would: from the files, with the rules alone."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from protocol.core.encoding import to_struct
from protocol.core.errors import RefusedError
from protocol.core.founding import Founding
from protocol.core.identity import SigningKey, recovery_key_hash
from protocol.core.record import leaf_hash_of, parse_record
from protocol.federation.charter import Charter, hash_charter
from protocol.federation.log_policy import make_log_policy
from protocol.federation.membership import (
    FederationFounding,
    History,
    Question,
    Said,
    fold_federation,
    list_questions,
    name_federation,
)
from protocol.federation.peer_card import (
    Invitation,
    PeerCard,
    format_card,
    format_invitation,
    parse_card,
    parse_invitation,
)
from protocol.federation.peer_certificate import check_certificate, make_certificate
from protocol.federation.scopes import may_read
from protocol.federation.succession import (
    KeySuccession,
    check_succession,
    fold_ends,
    retirement_quorum,
    retirement_slot_of,
)
from protocol.log.policy import format_policy
from protocol.record_kinds import KINDS
from tests.protocol.core.values import load_vectors

LINES, SCOPES = load_vectors("federation/lines.json"), load_vectors("federation/scopes.json")
SUCCESSION, ROSTERS = load_vectors("federation/succession.json"), load_vectors("federation/rosters.json")


def test_a_seed_has_its_certificate() -> None:
    check_certificate(LINES["certificate"]["der"])
    assert make_certificate(LINES["certificate"]["seed"]) == LINES["certificate"]["der"]


def test_lines_say_what_was_put_in() -> None:
    card = to_struct(LINES["card"]["fields"], PeerCard)
    assert (parse_card(LINES["card"]["line"]), format_card(card)) == (card, LINES["card"]["line"])
    invitation = to_struct(LINES["invitation"]["fields"], Invitation)
    assert parse_invitation(LINES["invitation"]["line"]) == invitation
    assert format_invitation(invitation) == LINES["invitation"]["line"]


@pytest.mark.parametrize("refused", LINES["refused_cards"], ids=lambda refused: refused["says"])
def test_a_line_that_is_no_card_is_refused(refused: dict[str, Any]) -> None:
    assert refusal_at(lambda: parse_card(refused["line"])) == refused["at"]


def test_an_invitation_with_a_card_that_is_none_is_refused() -> None:
    fields = LINES["invitation"]["fields"]
    bad = {**fields, "cards": [{**fields["cards"][0], "mirror_key": bytes(31)}]}
    line = format_invitation(to_struct(bad, Invitation))
    assert refusal_at(lambda: parse_invitation(line)) == "mirror_key"


@pytest.mark.parametrize("row", SCOPES["may_read"], ids=lambda row: f"{row['reader']} reads {row['scope']}")
def test_a_scope_lets_in_whom_it_names(row: dict[str, Any]) -> None:
    assert may_read(row["scope"], row["reader"], SCOPES["owner"], SCOPES["members"], SCOPES["parties"]) is row["may"]


def test_the_recovery_key_names_who_goes_on() -> None:
    read_succession(SUCCESSION["accepted"])
    assert recovery_key_hash(SigningKey(SUCCESSION["recovery_seed"]).public) == old_founding().recovery_key_hash


@pytest.mark.parametrize("refused", SUCCESSION["refused"], ids=lambda refused: refused["says"])
def test_a_succession_that_does_not_count_says_where(refused: dict[str, Any]) -> None:
    assert refusal_at(lambda: read_succession(refused["entry"])) == refused["at"]


def test_logs_end_where_their_words_lead_in_any_order() -> None:
    words = [(one["origin"], to_struct(one["body"], KeySuccession)) for one in SUCCESSION["successions"]]
    retired = {one["old"]: (one["size"], one["root"]) for one in SUCCESSION["retirements"]}
    for order in (words, words[::-1]):
        assert {old: end._asdict() for old, end in fold_ends(order, retired).items()} == SUCCESSION["ends"]


def test_others_end_a_log_in_a_slot_of_its_own_and_so_many_of_them() -> None:
    slot = SUCCESSION["slot"]
    assert retirement_slot_of(slot["predecessor"], slot["attempt"], slot["subject"]) == slot["slot"]
    for members, needed in SUCCESSION["needed_of_members"].items():
        assert retirement_quorum(int(members)) == needed


def test_a_charter_and_its_policy_have_their_bytes() -> None:
    charter = to_struct(ROSTERS["charter"]["bytes"], Charter)
    assert hash_charter(charter) == ROSTERS["charter"]["hash"]
    policy = make_log_policy(fold(0).newest.roster, charter, "ash.example/log")
    assert format_policy(policy).decode() == ROSTERS["policy_of_ash_in_version_1"]


@pytest.mark.parametrize("number", range(len(ROSTERS["steps"])), ids=[step["says"] for step in ROSTERS["steps"]])
def test_a_version_follows_from_the_records_in_any_order(number: int) -> None:
    step = ROSTERS["steps"][number]
    asked = next(one for one in list_questions(fold(number)) if one.subject == step["subject"])
    assert (asked.slot, list(asked.voters), asked.needed) == (step["slot"], step["voters"], step["needed"])
    before, after = fold(number), fold(number + 1)
    newest = after.newest
    assert (newest.roster.version, after.attempt, newest.hash) == (step["version"], step["attempt"], step["roster"])
    assert hash_charter(newest.charter) == step["charter"]
    assert [[member.origin, member.people] for member in newest.roster.members] == step["members"]
    assert [str(finding) for finding in after.findings[len(before.findings) :]] == step["findings"]


def fold(closed_count: int) -> History:
    """The versions once so many slots are closed; the records are all there from the start, in the other order."""
    said = {}
    for row in reversed(ROSTERS["records"]):
        record = parse_record(row["entry"])
        assert leaf_hash_of(row["entry"]) == row["leaf"] and record.seq == row["index"]
        said[row["leaf"]] = Said(row["log"], row["index"], row["leaf"], to_struct(record.body, KINDS[record.kind].body))
    founding = next(one.body for one in said.values() if isinstance(one.body, FederationFounding))
    assert name_federation(founding) == ROSTERS["federation"]
    closed = {step["slot"]: step["content"] for step in ROSTERS["steps"][:closed_count]}

    def content_of(question: Question) -> bytes | None:
        return closed.get(question.slot)

    return fold_federation(founding, content_of, said.get)


def read_succession(entry: bytes) -> None:
    record = parse_record(entry)
    check_succession(record, to_struct(record.body, KeySuccession), SUCCESSION["new_origin"], old_founding())


def old_founding() -> Founding:
    return msgspec.convert(SUCCESSION["old"]["founding"], Founding, builtin_types=(bytes,))


def refusal_at(read: Callable[[], object]) -> str:
    with pytest.raises(RefusedError) as caught:
        read()
    return caught.value.findings[0].place
