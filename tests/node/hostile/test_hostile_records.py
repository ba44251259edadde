"""A validly signed log full of nonsense: kept and mirrored, shown as void with the reason; everything else goes on."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from structlog.testing import capture_logs

from node.operations import load_operations
from node.use_cases.context import Node
from node.use_cases.federation.keeper import RosterKeeper
from node.use_cases.federation.verbs import (
    CreateParams,
    InviteParams,
    PeopleParams,
    WhichParams,
    count_people,
    create,
    invite,
    member_of_card,
    show_roster,
)
from node.use_cases.logs import LogParams, show_log
from node.use_cases.peers import AddPeer, add_peer
from node.use_cases.planning.calls.calling import CallParams, call_plan
from node.use_cases.planning.calls.table import GoodRow, TableFile
from node.use_cases.planning.rounds.planner import Planner
from node.use_cases.publish import publish
from node.use_cases.receive import Receiver
from protocol.core.encoding import encode
from protocol.core.errors import RefusedError
from protocol.core.identity import generate
from protocol.core.record import Reference
from protocol.federation.membership import Admission
from protocol.federation.peer_card import format_card
from protocol.record_kinds import KINDS
from storage.log import log_store, record_index
from storage.peers import peer_state
from tests.node.homes import WAIT_S, make_node
from tests.node.hostile.bodies import BodyMaker
from tests.node.hostile.hostile_log import ORIGIN, HostileLog
from tests.protocol.federation.made_up_federation import make_charter

SEEDS = range(8)
PIECE = {"amount": 1, "unit": "C62", "exponent": 0}


@pytest.fixture
async def north(tmp_path: Path) -> AsyncIterator[Node]:
    """A home that keeps a roster and follows plans, and knows South by its card."""
    made = await make_node(tmp_path, "north")
    await add_peer(made, AddPeer(card=format_card(HostileLog().card)))
    await start(made)
    yield made
    await stop(made)
    made.database.close()


async def start(node: Node) -> None:
    node.parts.update(roster=RosterKeeper(node), planner=Planner(node))
    await node.parts["roster"].start()
    await node.parts["planner"].start()


async def stop(node: Node) -> None:
    await node.parts.pop("planner").stop()
    await node.parts.pop("roster").stop()


async def until(node: Node, is_so: Callable[[], bool]) -> None:
    """Let the node work, one commit after the other, until it is so."""
    async with asyncio.timeout(WAIT_S):
        while not is_so():
            await node.database.write(lambda db: None)


def product(code: str, maker: str = ORIGIN) -> dict[str, Any]:
    told = {"code": code, "names": {"en": "loaf"}, "category": "bread", "unit": "C62", "piece": PIECE}
    rest = {"minimum_order": PIECE, "pack": None, "case": None, "partial_cases": True, "made_up": True}
    return told | rest | {"maker": maker, "version": 1}


def rows(node: Node, origin: str = ORIGIN) -> list[record_index.IndexRow]:
    return [row for row in record_index.rows(node.database.reader) if row.origin == origin]


async def ask_everything(node: Node) -> dict[str, Any]:
    """Every question that needs no parameters, and South's log; what may be refused is refused in words."""
    answers: dict[str, Any] = {}
    for name, operation in load_operations().items():
        if operation.writes:
            continue
        try:
            params = msgspec.convert({}, operation.params)
        except msgspec.ValidationError:
            continue
        try:
            answers[name] = msgspec.to_builtins(await operation.run(node, params))
        except RefusedError as error:
            answers[name] = error.reason
    answers["log.show"] = msgspec.to_builtins(await show_log(node, LogParams(origin=ORIGIN, last=1_000)))
    msgspec.json.encode(answers)
    return answers


UNREADABLE: dict[str, Callable[[HostileLog], bytes]] = {
    "keys in another order": lambda log: msgspec.msgpack.encode(dict(sorted(log.envelope().items(), reverse=True))),
    "a number longer than it need be": lambda log: encode(log.envelope(v=1)).replace(b"\xa1v\x01", b"\xa1v\xcc\x01"),
    "a byte after the end": lambda log: encode(log.envelope()) + b"\x00",
    "a byte too few": lambda log: encode(log.envelope())[:-1],
    "a number with a point": lambda log: msgspec.msgpack.encode(log.envelope(at=1.5)),
    "a key twice": lambda log: b"\x82\xa1v\x01\xa1v\x01",
    "nothing": lambda log: b"",
    "a list": lambda log: encode([1, 2, 3]),
    "text that is no UTF-8": lambda log: b"\x81\xa1v\xa2\xff\xfe",
    "depth without end": lambda log: b"\x91" * 5_000 + b"\xc0",
    "an extension type": lambda log: msgspec.msgpack.encode(msgspec.msgpack.Ext(5, b"x")),
    "another version of the envelope": lambda log: encode(log.envelope(v=2)),
    "a field too many": lambda log: encode(log.envelope(colour="red")),
    "a kind that is no name": lambda log: encode(log.envelope(kind="../..")),
    "a time before all time": lambda log: encode(log.envelope(at=-1)),
    "a key id of 31 bytes": lambda log: encode(log.envelope(by=bytes(31))),
    "references without number": lambda log: encode(log.envelope(refs=[["a.example/log", 0, bytes(32)]] * 65)),
    "an embedded statement that is none": lambda log: encode(
        log.envelope(body=b"\x80", sigs=[["ed25519", bytes(32), bytes(64)]])
    ),
}

VOID: dict[str, Callable[[HostileLog], int]] = {
    "another place than its own": lambda log: log.say("supply.product", product("in-house:a"), seq=77),
    "another's hand": lambda log: log.say("supply.product", product("in-house:b"), by=bytes(32)),
    "a body of another kind": lambda log: log.say("supply.product", {"key": bytes(32)}),
    "a body with a field too many": lambda log: log.say("supply.product", product("in-house:c") | {"colour": "red"}),
    "an empty body": lambda log: log.say("federation.join", {}),
}


async def test_what_cannot_be_read_is_kept_and_what_follows_it_works(north: Node) -> None:
    south = HostileLog()
    unreadable = [south.say_raw(make(south)) for make in UNREADABLE.values()]
    void = [make(south) for make in VOID.values()]
    unknown = south.say("weather.report", {"rain": 3})
    good = south.say("supply.product", product("in-house:wheat-loaf"))
    await south.push(Receiver(north))

    assert log_store.entries(north.database.reader, ORIGIN, 0, 1_000) == south.entries
    found = rows(north)
    for name, index in zip(UNREADABLE, unreadable, strict=True):
        assert found[index].kind == record_index.NOT_READABLE and found[index].void, name
    for name, index in zip(VOID, void, strict=True):
        assert found[index].kind != record_index.NOT_READABLE and found[index].void, name
    assert (found[unknown].void, found[good].void) == ("", "")

    answers = await ask_everything(north)
    assert [one["code"] for one in answers["product.list"]["products"]] == ["in-house:wheat-loaf"]
    shown = {one["index"]: one for one in answers["log.show"]["records"]}
    assert all(shown[index]["void"] for index in (*unreadable, *void))
    assert shown[unknown]["doc"].startswith("A kind that this node does not know")
    assert (answers["status"]["records"], answers["status"]["void"]) == (
        len(found) + 1,
        len(UNREADABLE) + len(VOID),
    )
    await north.database.write(record_index.rebuild)
    assert rows(north) == found


async def test_a_log_may_hide_what_it_says_in_any_kind_and_nothing_stops_over_it(north: Node) -> None:
    south = HostileLog()
    # Its first record too, which says how it is called.
    kinds = sorted(KINDS, key=lambda kind: (kind != "log.founding", kind))
    hidden = [south.say(kind, bytes([number]) * 32) for number, kind in enumerate(kinds)]
    good = south.say("supply.product", product("in-house:wheat-loaf"))
    await south.push(Receiver(north))
    assert [rows(north)[index].void for index in hidden] == [""] * len(KINDS)
    answers = await ask_everything(north)
    assert [one["code"] for one in answers["product.list"]["products"]] == ["in-house:wheat-loaf"]
    assert len(answers["log.show"]["records"]) == good + 1


def babble(south: HostileLog, seed: int, hashes: list[bytes], but: frozenset[str] = frozenset()) -> None:
    """One record of every kind, right in form and wrong in everything else."""
    maker = BodyMaker(seed, hashes, [ORIGIN, "north.example/log"])
    for kind in sorted(KINDS.keys() - but):
        south.say(kind, maker.make(kind))


async def test_a_member_that_babbles_in_every_kind_stops_nobody(north: Node) -> None:
    south = HostileLog()
    receiver, keeper = Receiver(north), north.parts["roster"]
    with capture_logs() as logged:
        charter = make_charter(required_sections=("ingredients",))
        founded = await create(north, CreateParams(charter=charter, kind="consumers", people=180))
        await invite(north, InviteParams(format_card(south.card)))
        federation = bytes.fromhex(founded.federation)

        # Before it belongs: whatever it says about the federation counts for nothing.
        for seed in SEEDS:
            babble(south, seed, [federation], but=frozenset({"federation.join"}))
        await south.push(receiver)
        await count_people(north, PeopleParams(200))
        await until(north, lambda: keeper.history is not None and keeper.history.newest.roster.members[0].people == 200)
        assert len(keeper.history.newest.roster.members) == 1

        # As a member: it speaks out of turn in calls, rounds and votes that are under way.
        south.say("federation.join", {"federation": federation, "kind": "producers", "people": 12})
        await south.push(receiver)
        await until(north, lambda: len(keeper.history.newest.roster.members) == 2)
        table = TableFile(goods=(GoodRow("loaf", "C62", start_price="1.00"),))
        called = await call_plan(north, CallParams(table=table, scope="made up", period="2026"))
        call = bytes.fromhex(called.call)
        await until(north, lambda: bool(north.parts["planner"].run_of(call).waits_for()))
        for seed in SEEDS:
            slots = [keeper.history.slot, north.parts["planner"].run_of(call).slot.id]
            babble(south, seed + 100, [federation, call, keeper.history.newest.hash, *slots])
            await south.push(receiver)
        own_before = len(rows(north, north.origin))
        answers = await ask_everything(north)

    assert [one for one in logged if one["log_level"] in ("error", "critical")] == []
    assert answers["plan.status"]["call"] == called.call and not answers["plan.status"]["trouble"]
    # North itself may vote while it is asked.
    assert own_before <= answers["status"]["records"] - len(south.entries) <= len(rows(north, north.origin))
    assert not keeper._task.done() and not any(task.done() for task in north.parts["planner"]._tasks.values())

    # All of it again, from the logs alone.
    await stop(north)
    before = list(record_index.rows(north.database.reader))
    await north.database.write(record_index.rebuild)
    assert list(record_index.rows(north.database.reader)) == before
    await start(north)
    roster = await show_roster(north, WhichParams())
    assert (roster.federation, [member.people for member in roster.members]) == (founded.federation, [200, 12])


async def found(node: Node) -> bytes:
    """A federation of one; its name."""
    charter = make_charter(required_sections=("ingredients",))
    return bytes.fromhex((await create(node, CreateParams(charter=charter, kind="consumers", people=180))).federation)


def people(node: Node) -> dict[str, int]:
    """The people of each member, as the keeper knows it."""
    history = node.parts["roster"].history
    return {} if history is None else {one.name: one.people for one in history.newest.roster.members}


@pytest.mark.parametrize("change", [{"name": " \x1b[2J"}, {"url": "http://a"}, {"tls_certificate": b"none"}])
async def test_a_member_that_nobody_could_meet_is_not_let_in_and_stops_nobody(
    north: Node, change: dict[str, Any]
) -> None:
    federation = await found(north)
    member = msgspec.structs.replace(member_of_card(HostileLog().card, "producers", 9), **change)
    await publish(north, "federation.admission", Admission(federation, member, Reference(ORIGIN, 0, bytes(32))))
    await count_people(north, PeopleParams(200))
    await until(north, lambda: people(north).get("north") == 200)
    assert people(north) == {"north": 200}


async def test_a_member_under_an_origin_that_we_know_by_other_keys_keeps_us_from_nothing(north: Node) -> None:
    federation = await found(north)
    pinned = peer_state.peers(north.database.reader)
    south = HostileLog()
    place = south.say("federation.join", {"federation": federation, "kind": "producers", "people": 9})
    await south.push(Receiver(north))
    request = Reference(ORIGIN, place, rows(north)[place].leaf)
    card = msgspec.structs.replace(south.card, witness_key=generate(b"x" * 32).public)
    member = member_of_card(card, "producers", 9)
    another = msgspec.structs.replace(member, log_key=generate(b"y" * 32).public)
    # Another log key: the request that was read is not of the co-op that somebody vouches for.
    await publish(north, "federation.admission", Admission(federation, another, request))
    await publish(north, "federation.admission", Admission(federation, member, request))
    await until(north, lambda: people(north) == {"north": 180, "South": 9})
    await count_people(north, PeopleParams(200))
    await until(north, lambda: north.parts["roster"].waits_for() == (ORIGIN,))
    assert peer_state.peers(north.database.reader) == pinned


async def test_an_answer_does_not_speak_in_the_slot_of_the_cards(north: Node) -> None:
    south = HostileLog()
    body = {"call": bytes(32), "reading": 1, "round": 0, "state": bytes(32), "answers": []}
    south.say("plan.answer", body)
    south.say("plan.answer", body | {"round": 1})
    await south.push(Receiver(north))
    assert [bool(row.void) for row in rows(north)] == [True, False]
