"""The rules of plans and ended logs once more, from the pages alone: no line of protocol/ runs here."""

import json
from math import isqrt
from typing import Any

import pytest

from tests.protocol.core.values import load_vectors
from tests.vectors.packing import unpack

WORDS, SETS = load_vectors("planning/words.json"), load_vectors("planning/sets.json")
NOTICES, PERIODS = load_vectors("planning/notices.json"), load_vectors("planning/periods.json")
DELIVERY, BATCHES = load_vectors("planning/delivery.json"), load_vectors("planning/batches.json")
FOLLOWING, SUCCESSION = load_vectors("planning/following.json"), load_vectors("federation/succession.json")
COSINES = [
    *(1_000_000, 996_195, 984_808, 965_926, 939_693, 906_308, 866_025, 819_152, 766_044, 707_107),
    *(642_788, 573_576, 500_000, 422_618, 342_020, 258_819, 173_648, 87_156, 0),
]


def test_words() -> None:
    """ratification.md, rules 3 and 5."""
    bodies = WORDS["words"]
    for row in WORDS["outcomes"]:
        said = {name: bodies[word] for name, word in row["words"].items()}
        spoken = {name: body for name, body in said.items() if body is not None}
        leaving = sorted(name for name, body in spoken.items() if not body["approve"] and name in row["owners"])
        approving = [name for name, body in spoken.items() if body["approve"] and body["digest"] == WORDS["draft"]]
        people = sum(WORDS["people"][name] for name in approving)
        are_enough = len(approving) >= WORDS["needed"] and people >= row["people_needed"]
        outcome = "again" if leaving else "in force" if are_enough else "not approved"
        is_ripe = len(spoken) == len(said) or (len(spoken) >= WORDS["needed"] if leaving else are_enough)
        assert (outcome, leaving, is_ripe) == (row["outcome"], row["leaving"], row["may_close"])


def test_notices() -> None:
    """facilitation.md, rule 2 and its table."""
    needs = {"extend": {"reading", "round", "wait_ms"}, "end_round": {"reading", "round"}, "set_aside": {"leaf"}}
    needs |= {"end_vote": {"reading"}, "pause": set(), "resume": set(), "call_off": set()}
    counted = [
        (log, body)
        for log in NOTICES["facilitators"]
        for body in NOTICES["spoken"].get(log, [])
        if {place for place in ("reading", "round", "wait_ms", "leaf") if body[place] is not None} == needs[body["act"]]
    ]
    waits: dict[tuple[int, int], int] = {}
    for _, body in counted:
        if body["act"] == "extend":
            place = body["reading"], body["round"]
            waits[place] = max(waits.get(place, 0), body["wait_ms"])
    standing = NOTICES["standing"]
    last = {log: body["act"] for log, body in counted if body["act"] in ("pause", "resume")}
    assert sorted(log for log, act in last.items() if act == "pause") == standing["paused_by"]
    assert [[*place, wait_ms] for place, wait_ms in sorted(waits.items())] == standing["waits_ms"]
    assert [[body["reading"], body["round"]] for _, body in counted if body["act"] == "end_round"] == standing["ended"]
    assert [body["leaf"] for _, body in counted if body["act"] == "set_aside"] == standing["set_aside"]
    assert [body["reading"] for _, body in counted if body["act"] == "end_vote"] == standing["votes_ended"]


def test_needs_of_several_periods() -> None:
    """periods.md, *Needs*."""
    table, terms = PERIODS["goods_table"], PERIODS["terms"]
    weeks = [(one["last_week"] - one["first_week"]) % 52 + 1 for one in table["periods"]]
    decimals = {good["id"]: good["decimals"] for good in table["goods"]}
    places = {good["id"]: place for place, good in enumerate(table["goods"])}
    for row in PERIODS["needs"]:
        due = {}
        for floor in terms["floors"]:
            so_far = spent = 0
            for period, length in zip(table["periods"], weeks, strict=True):
                name, so_far = f"{floor['good']} in {period['id']}", so_far + length
                whole = row["people"] * floor["amount"] * 10 ** decimals[name]
                until = -(-whole * so_far // (sum(weeks) * 10 ** floor["decimals"]))
                due[places[name]], spent = until - spent, until
        assert sorted([place, units] for place, units in due.items()) == row["units"]


def test_metres() -> None:
    """delivery.md, *Distance*."""
    for one, other, metres in DELIVERY["metres"]:
        (north_1, east_1), (north_2, east_2) = DELIVERY["places"][one], DELIVERY["places"][other]
        east = abs(east_1 - east_2)
        step, rest = divmod(abs(north_1 + north_2) // 2, 5_000_000)
        cosine = COSINES[step] + (COSINES[step + 1] - COSINES[step]) * rest // 5_000_000
        north_cm = abs(north_1 - north_2) * 11_119_500 // 10**6
        east_cm = min(east, 360_000_000 - east) * 11_119_500 * cosine // 10**12
        assert isqrt(north_cm**2 + east_cm**2) // 100 == metres


def test_unit_metres_and_their_proof() -> None:
    """delivery.md, *Proof*."""
    document = json.loads(DELIVERY["delivery"])
    way = {frozenset((one, other)): metres for one, other, metres in DELIVERY["metres"]}
    told = {row["good"]: row for row in DELIVERY["goods"]}
    goods = [good["id"] for good in json.loads(DELIVERY["plan"])["goods_table"]["goods"]]
    for row, transport in zip(document["goods"], DELIVERY["transports"], strict=True):
        assert goods[transport["good"]] == row["good"]
        carried = sum(units * way[frozenset((source, to))] for source, to, units in row["loads"])
        least = sum(units * row["at_need"][name] for name, units in transport["needs"])
        least -= sum(units * row["at_source"][name] for name, units in transport["supplies"])
        assert (carried, least) == (told[row["good"]]["unit_metres"], told[row["good"]]["least_unit_metres"])
        for source, low in row["at_source"].items():
            assert all(high - low <= way[frozenset((source, need))] for need, high in row["at_need"].items())


@pytest.mark.parametrize("row", [row for row in BATCHES["proposed"] if row.get("candidate")], ids=str)
def test_what_a_candidate_is_worth(row: dict[str, Any]) -> None:
    """batches.md, *Value*."""
    draft, candidate = json.loads(BATCHES["draft"]), row["candidate"]
    value, effort, set_up = 0, 0, 0
    for card in draft["consumers"]:
        before, after = draft["consumption"][card["id"]], candidate["consumption"][card["id"]]
        for nest in card["nests"]:
            now = zip(nest["floors"], before, after, strict=False)
            shares = [(new - floor) * 2**30 // (old - floor) for floor, old, new in now if old > floor]
            share = max(1, min(shares, default=2**30))
            value += nest["credits_micro"] * log_2(share) * 744_261_118 // 2**60
            before, after = before[len(nest["goods"]) :], after[len(nest["goods"]) :]
    for card in draft["workplaces"] + draft["goods_table"]["trade"]:
        levels = list(zip(draft["activity"][card["id"]], candidate["activity"][card["id"]], strict=True))
        used = sum(
            technique["capacity_use"] * old for technique, (old, _) in zip(card["techniques"], levels, strict=True)
        )
        is_full = used * 1_000 >= 999 * card["capacity"] * 10**6
        for technique, (old, new) in zip(card["techniques"], levels, strict=True):
            cost = max(0, -sum(draft["prices"][good] * amount for good, amount in technique["net"]))
            if old and not (is_full and new < old):
                effort += -(-cost * (new**2 - old**2) // (2 * old))
            set_up += technique.get("setup_micro", 0) * (bool(new) - bool(old))
    assert value - -(-effort // 10**12) - set_up == candidate["value_micro"]


def log_2(share: int) -> int:
    """In 2^-30, rounded down, as batches.md has it."""
    bits = share.bit_length() - 1
    rest, result = share * 2**30 // 2**bits, bits - 30
    for _ in range(30):
        rest = rest * rest // 2**30
        is_two = rest >= 2**31
        result, rest = 2 * result + is_two, rest // 2 if is_two else rest
    return result


def test_what_was_promised_and_carried() -> None:
    """following.md, rules 3 to 7, of the words that count."""
    promised: dict[tuple[str, int], int] = {}
    told: dict[tuple[int, str, str, str], int] = {}
    for row in FOLLOWING["promises"]:
        if not row["at"]:
            promised |= {(card, good): units for card, said in row["body"]["cards"] for good, units in said}
    for row in FOLLOWING["deliveries"]:
        sums = {
            (good, source, to, log): told.get((good, source, to, log), 0) + units
            for good, source, to, units in row["body"]["loads"]
            for log in [row["log"]]
            if log in (source, to)
        }
        if not row["at"] and min(sums.values()) >= 0:
            told |= sums
    goods = [good["id"] for good in json.loads(FOLLOWING["plan"])["goods_table"]["goods"]]
    for line in FOLLOWING["account"]["lines"]:
        good, card = goods.index(line["good"]), line["card"]
        if line["is_outside"]:
            continue
        own = sum(units for (one, *ends, log), units in told.items() if (one, log) == (good, card) and card in ends)
        word = promised.get((card, good))
        awaited = line["planned"] if word is None else word
        assert (line["promised"], line["done"]) == (word, own)
        assert (line["open"], line["short"]) == (max(0, awaited - own), max(0, line["planned"] - awaited))


def test_where_logs_end() -> None:
    """succession.md, *What follows*: a retirement above a succession, of several the smallest."""
    ends: dict[str, Any] = {}
    for said in SUCCESSION["successions"]:
        body = said["body"]
        end = (body["size"], body["root"], said["origin"])
        ends[body["old"]] = min(end, ends.get(body["old"], end))
    for one in SUCCESSION["retirements"]:
        ends[one["old"]] = (one["size"], one["root"], ends.get(one["old"], ("", "", ""))[2])
    told = {old: (end["size"], end["root"], end["successor"]) for old, end in SUCCESSION["ends"].items()}
    assert ends == told


@pytest.mark.parametrize("row", SETS["judged"], ids=lambda row: row["says"])
def test_sets(row: dict[str, Any]) -> None:
    """plan-records.md, rules 5 and 6."""
    listed = unpack(row["set"])
    names = [name for name, _ in listed or []]
    is_set = names == sorted(set(names)) == SETS["participants"]
    leaves, held = dict(listed or []), SETS["held"]
    is_refused = not is_set or any(
        (leaf is None and name in SETS["held_in_time"]) or (leaf is not None and leaf != held.get(name, leaf))
        for name, leaf in leaves.items()
    )
    lacks = any(leaf is not None and name not in held for name, leaf in leaves.items())
    assert row["accepts"] is (False if is_refused else None if lacks else True)
