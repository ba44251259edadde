"""The vectors of what is said about a plan: sets and their slots, cards and answers that count, words, notices."""

from collections.abc import Iterable, Mapping
from itertools import product
from typing import Any, Final

import msgspec

from protocol.core.encoding import to_value
from protocol.core.errors import Finding
from protocol.planning.call import (
    CardAnswer,
    Meeting,
    PlanAnswer,
    PlanApproval,
    PlanCards,
    format_set,
    judge_set,
    round_slot,
)
from protocol.planning.cards import ApprovedFloor, CardTerms
from protocol.planning.contributions import audit_answer, audit_cards
from protocol.planning.facilitating.notices import PlanNotice, apply_notices
from protocol.planning.ratifying.words import Ballot, is_ripe, list_leaving, vote_slot, weigh_words
from protocol.planning.rounds import start_state
from protocol.planning.state import hash_state
from scripts.vectors.made_up import HEX
from scripts.vectors.planning.village import OPEN, play_village

CALL: Final = bytes([0x11]) * 32
DRAFT: Final = bytes([0x9A]) * 32
MILL, NORTH, OVEN = (f"{name}.example/log" for name in ("mill", "north", "oven"))
LEAVES: Final = {name: bytes([0x22 + number]) * 32 for number, name in enumerate((MILL, NORTH, OVEN))}
SLOTS: Final = ((1, 0), (1, 1), (2, 0), (16, 200))
TERMS: Final = CardTerms(150_000_000, (ApprovedFloor("bread", 5, 0),))
"""What the made-up charter allots: 150 credits and 5 kg of bread for each person."""


def export_sets() -> dict[str, Any]:
    """Slots, a set with one participant silent, and what a voter thinks of other sets."""
    silent = {**LEAVES, NORTH: None}
    sets: dict[str, bytes] = {
        "one silent, who was not held in time": format_set(silent),
        "all of them": format_set(LEAVES),
        "a participant too few": format_set({MILL: LEAVES[MILL], OVEN: LEAVES[OVEN]}),
        "a stranger": format_set({**LEAVES, "elm.example/log": None}),
        "another record than the first": format_set({**LEAVES, MILL: bytes(32)}),
        "one called silent who spoke in time": format_set({**LEAVES, MILL: None}),
        "not sorted": b"\x92" + b"".join(format_set({name: None})[1:] for name in (OVEN, MILL)),
        "no list": b"\xc0",
    }
    held = {MILL: LEAVES[MILL], OVEN: LEAVES[OVEN]}
    return {
        "about": f"The sets of a call's rounds (docs/spec: plan-records.md, ratification.md). {HEX} `accepts` is nil "
        "while the voter lacks a record. Made up.",
        "call": CALL,
        "round_slots": [{"reading": one, "round": two, "slot": round_slot(CALL, one, two)} for one, two in SLOTS],
        "vote_slots": [{"attempt": attempt, "slot": vote_slot(CALL, attempt)} for attempt in range(3)],
        "listed": silent,
        "set": format_set(silent),
        "participants": sorted(LEAVES),
        "held": held,
        "held_in_time": [MILL],
        "judged": [
            {
                "says": says,
                "set": content,
                "accepts": judge_set(content, frozenset(LEAVES), held, frozenset({MILL})),
            }
            for says, content in sets.items()
        ],
    }


def export_contributions() -> dict[str, Any]:
    """Cards and answers of the village's north that count, and what makes them void."""
    played = play_village(OPEN)
    economy, state = played.economy, start_state(played.economy)
    north = next(card for card in economy.consumers if card.id == "north")
    oven = next(card for card in economy.workplaces if card.id == "oven")
    (nest,) = north.nests
    richer = msgspec.structs.replace(north, nests=(msgspec.structs.replace(nest, credits_micro=150_000_001),))
    hungrier = msgspec.structs.replace(north, nests=(msgspec.structs.replace(nest, floors=(6_000, 0)),))
    both = msgspec.structs.replace(oven, id="north#oven", outline=((0, -70_000_000, 0),))
    cards = {
        "the card of a council": PlanCards(CALL, 1, (north,), ()),
        "another's workplace": PlanCards(CALL, 1, (north,), (oven,)),
        "more people than the roster counts": PlanCards(CALL, 1, (msgspec.structs.replace(north, people=2),), ()),
        "more credits than the charter allots": PlanCards(CALL, 1, (richer,), ()),
        "another need than the list": PlanCards(CALL, 1, (hungrier,), ()),
        "two councils": PlanCards(CALL, 1, (north, north), ()),
        "recipes and an outline": PlanCards(CALL, 1, (), (both,)),
    }
    hashed, said = hash_state(state), (55_972, 48_057)
    answers = {
        "an answer": _answer(hashed, ("north", said)),
        "to another state": _answer(bytes(32), ("north", said)),
        "for another's card": _answer(hashed, ("north", said), ("oven", (1,))),
        "none": _answer(hashed),
        "a number too few": _answer(hashed, ("north", said[:1])),
        "below a floor": _answer(hashed, ("north", (4_999, 48_057))),
        "beyond all bounds": _answer(hashed, ("north", (5_000, 10**15 + 1))),
    }
    return {
        "about": f"What north of the made-up village may say (docs/spec: plan-records.md, planning-step.md). {HEX} "
        "Goods table and economy are those of rounds-open.json, the state its start.",
        "origin": "north",
        "people": north.people,
        "terms": to_value(TERMS),
        "cards": [
            {"says": says, "body": to_value(body), "at": _places(audit_cards("north", body, economy.table, 1, TERMS))}
            for says, body in cards.items()
        ],
        "answers": [
            {"says": says, "body": to_value(body), "at": _places(audit_answer("north", body, economy, state))}
            for says, body in answers.items()
        ],
    }


def export_words() -> dict[str, Any]:
    """What every pair of words by mill and oven comes to, where north approves and all or two have cards."""
    words = {
        "yes": PlanApproval(CALL, 0, DRAFT, True, "", Meeting(9, 1, 0, True)),
        "no": PlanApproval(CALL, 0, DRAFT, False, "too little milk", Meeting(1, 9, 0, True)),
        "yes to another draft": PlanApproval(CALL, 0, bytes(32), True, "", Meeting(9, 1, 0, True)),
        "silent": None,
    }
    people = {MILL: 0, NORTH: 100, OVEN: 30}
    rows = []
    for owners, needed_people, (mill, oven) in product(
        ((MILL, NORTH, OVEN), (MILL, NORTH)), (0, 130), product(words, words)
    ):
        ballot = Ballot(DRAFT, frozenset(owners), people, 2, needed_people)
        said = {MILL: words[mill], NORTH: words["yes"], OVEN: words[oven]}
        rows.append(
            {
                "owners": owners,
                "people_needed": needed_people,
                "words": {MILL: mill, NORTH: "yes", OVEN: oven},
                "outcome": weigh_words(ballot, said),
                "leaving": sorted(list_leaving(ballot, said)),
                "may_close": is_ripe(ballot, said),
            }
        )
    return {
        "about": f"What the meetings' words come to (docs/spec: ratification.md). {HEX} Two of three must approve, who "
        "stand for so many people. All of it is made up.",
        "draft": DRAFT,
        "people": people,
        "needed": 2,
        "words": {says: None if word is None else to_value(word) for says, word in words.items()},
        "outcomes": rows,
    }


def export_notices() -> dict[str, Any]:
    """What two facilitators say in their logs, one who is none, and what it comes to."""
    spoken = {
        NORTH: [
            _notice("extend", reading=1, round=0, wait_ms=5_000),
            _notice("extend", reading=1, round=0, wait_ms=3_000),
            _notice("pause"),
            _notice("resume"),
            _notice("set_aside", leaf=LEAVES[MILL]),
            _notice("end_vote", reading=2),
            _notice("end_round", reading=1),
        ],
        OVEN: [
            _notice("end_round", reading=1, round=3),
            _notice("pause"),
            _notice("extend", reading=1, round=0, wait_ms=9_000),
        ],
        MILL: [_notice("call_off")],
    }
    standing = apply_notices({name: tuple(said) for name, said in spoken.items()}, {NORTH, OVEN})
    return {
        "about": f"What facilitators' words come to (docs/spec: facilitation.md). {HEX} Made up.",
        "facilitators": [NORTH, OVEN],
        "spoken": {name: [to_value(one) for one in said] for name, said in spoken.items()},
        "standing": {
            "called_off_by": standing.called_off_by,
            "paused_by": standing.paused_by,
            "waits_ms": [[*place, wait_ms] for place, wait_ms in sorted(standing.waits_ms.items())],
            "ended": sorted(standing.ended),
            "set_aside": sorted(standing.set_aside),
            "votes_ended": sorted(standing.votes_ended),
        },
    }


def _answer(state: bytes, *said: tuple[str, tuple[int, ...]]) -> PlanAnswer:
    return PlanAnswer(CALL, 1, 1, state, tuple(CardAnswer(*one) for one in said))


def _notice(act: Any, **named: Any) -> PlanNotice:
    places: Mapping[str, Any] = {"reading": None, "round": None, "wait_ms": None, "leaf": None, **named}
    return PlanNotice(CALL, act, "made up", **places)


def _places(findings: Iterable[Finding]) -> list[str]:
    return [finding.place for finding in findings]


FILES = {
    "planning/sets.json": export_sets,
    "planning/contributions.json": export_contributions,
    "planning/words.json": export_words,
    "planning/notices.json": export_notices,
}
