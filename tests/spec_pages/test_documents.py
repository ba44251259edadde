"""Documents and bytes that the pages show are what the code reads, writes and judges."""

import re
from pathlib import Path

import msgspec

from node.simulation.rounds.scenario import draw_scenario as draw_rounds
from node.simulation.world.scenario import draw_scenario as draw_world
from protocol.core.document import format_document
from protocol.core.encoding import decode, encode, to_struct
from protocol.federation.decision import Precommit, Prevote, Proposal, Vote, is_closed, proposer
from protocol.federation.scopes import may_read
from protocol.planning.audit.minutes import format_minutes, parse_minutes
from protocol.supply.price_agreement import PriceProposal, audit_proposal
from storage.home.head_file import HeadFile, Mark, SignedHead
from tests.spec_pages.examples import cut_braces, list_blocks, list_json, parse_example

NORTHSIDE = "northside.example/log"


def test_the_price_of_the_page_stands_and_adds_up() -> None:
    body = list_json("price.md")
    proposal = to_struct(decode(encode(body)), PriceProposal)
    assert audit_proposal(proposal) == []
    assert msgspec.to_builtins(proposal) == body
    one_cent_off = msgspec.structs.replace(
        proposal, sheet=msgspec.structs.replace(proposal.sheet, price_minor=proposal.sheet.price_minor + 1)
    )
    assert [finding.place for finding in audit_proposal(one_cent_off)] == ["sheet.lines"]


def test_the_minutes_of_the_page_are_read_and_written_again() -> None:
    """Shortened lists are read as empty ones; everything else on the page is there to the last name."""
    text = msgspec.json.encode(list_json("plan-audit.md")).decode().replace('["…"]', "[]")
    minutes = parse_minutes(format_document(msgspec.json.decode(text)))
    assert msgspec.json.decode(format_minutes(minutes)) == msgspec.json.decode(text)
    assert minutes.readings[0].rounds[0].answers[NORTHSIDE.replace("side", "")] == (55_971, 48_056)


def test_the_signed_head_of_the_page_is_the_file_of_that_home(tmp_path: Path) -> None:
    shown = bytes.fromhex(re.sub(r"^ \d  ", "", list_blocks("signed-head.md", "hex")[0], flags=re.MULTILINE))
    head = SignedHead(Mark(10, b"a" * 32), Mark(9, b"9" * 32), True)
    file = HeadFile(tmp_path, NORTHSIDE)
    file.begin(head.before, head.newest)
    file.settle()
    (written,) = tmp_path.iterdir()
    assert written.read_bytes() == shown.ljust(512, b"\0")
    assert HeadFile(tmp_path, NORTHSIDE).read() == head
    assert HeadFile(tmp_path, "south.example/log").read() is None


def test_each_scope_lets_in_whom_the_page_says() -> None:
    """Who of the bakery's federation, and of its peers, is opened what the bakery hides; the coop buys of it."""
    members = {"bakery", "coop", "shop"}
    lines = re.findall(r"^\d .* scope (\w+) .* opened to (.*)$", list_blocks("scopes.md")[0], re.MULTILINE)
    assert [scope for scope, _ in lines] == ["buyers", "federation", "buyers", "auditors"]
    for scope, said in lines:
        opened = re.sub(r", (not to|whom) .*", "", said)
        let_in = {reader for reader in (*members, "farm") if may_read(scope, reader, "bakery", members, {"coop"})}
        assert let_in - {"bakery"} == {name for name in members if name in opened}, scope


def test_the_votes_of_the_page_close_the_slot_and_one_precommit_fewer_does_not() -> None:
    (block,) = list_blocks("decision.md")
    voters = ["ash", "birch", "cedar", "dogwood"]
    slot, value = bytes(32), bytes([0x42]) * 32
    votes = [read_vote(voter, kind, block[place:], slot, value) for voter, kind, place in list_votes(block)]
    assert proposer(voters, slot, 0) == votes[0].voter == "dogwood"
    assert [type(vote).__name__ for vote in votes] == ["Proposal", *["Prevote"] * 4, *["Precommit"] * 3]
    assert is_closed(votes, voters) == value
    assert is_closed(votes[:-1], voters) is None


def list_votes(block: str) -> list[tuple[str, str, int]]:
    """(voter, kind, where its braces begin) of each line."""
    pattern = re.compile(r"^\d?\s+(\w+) +decision\.(\w+) +(?=\{)", re.MULTILINE)
    return [(found[1], found[2], found.end()) for found in pattern.finditer(block)]


def read_vote(voter: str, kind: str, text: str, slot: bytes, value: bytes) -> Vote:
    fields = parse_example(kind, cut_braces(text)).fields
    named = None if fields["value"] == "nil" else value
    if kind == "proposal":
        return Proposal(slot, int(fields["round"]), value, int(fields["valid_round"]), voter)
    vote = Prevote if kind == "prevote" else Precommit
    return vote(slot, int(fields["round"]), named, voter)


def test_the_seeds_of_the_pages_draw_what_stands_there() -> None:
    """What then happens changes with the code, and the pages leave its count and digest out."""
    world, rounds = draw_world(37), draw_rounds(12)
    said = f"Seed 37: {world.nodes} co-ops, {len(world.happenings)} happenings."
    assert list_blocks("simulation.md")[0].splitlines()[2] == said
    said = f"Seed 12: {rounds}. All of it is made up."
    assert list_blocks("plan-simulation.md")[0].splitlines()[2] == said
