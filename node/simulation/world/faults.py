"""What people do and what goes wrong, one function for each kind of happening.

Spec: docs/spec/simulation.md
"""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from functools import partial
from random import Random

from node.simulation.world.homes import MADE_UP_KIND, made_up_record
from node.simulation.world.machine import Machine
from node.simulation.world.scenario import Happening
from node.simulation.world.virtual_time import pass_time
from node.simulation.world.world import World
from node.use_cases.federation.verbs import PeopleParams, count_people
from node.use_cases.peers import OnePeer, pin_card, remove_peer
from node.use_cases.publish import publish


def apply_happening(world: World, happening: Happening) -> None:
    """Have it happen now."""
    world.say(f"happening {happening.kind} {happening.who} {happening.numbers}")
    HAPPENINGS[happening.kind](world, world.machines[happening.who], *happening.numbers)


def _publish(world: World, machine: Machine, count: int) -> None:
    machines = [machine] if world.is_honest(machine) or world.liar is None else world.liar.machines
    for one in machines:
        for _ in range(count):
            world.do(one, "publish", partial(_publish_one, world, one, world.next_label()))


async def _publish_one(world: World, machine: Machine, label: int) -> None:
    world.note_acknowledged(machine, await publish(machine.node, MADE_UP_KIND, made_up_record(label)))


def _put_file(world: World, machine: Machine, reader: int, label: int) -> None:
    content = Random(label).randbytes(300)
    if machine.is_up:
        world.do(machine, "put_file", partial(_put_one, world, machine, content))
    other = world.machines[reader]
    world.do(other, "fetch_file", partial(_fetch_one, world, other, hashlib.sha256(content).digest()))


async def _put_one(world: World, machine: Machine, content: bytes) -> None:
    world.ledger.accounts[machine.name].files.add(machine.node.files.put(content))


async def _fetch_one(world: World, machine: Machine, sha256: bytes) -> None:
    if await machine.peering.fetch_file(sha256):
        world.ledger.accounts[machine.name].files.add(sha256)


def _count_people(world: World, machine: Machine, people: int) -> None:
    world.do(machine, "count_people", partial(_count_people_at, machine, people))


async def _count_people_at(machine: Machine, people: int) -> None:
    await count_people(machine.node, PeopleParams(people))


def _cut_in(world: World, machine: Machine, steps: int, down_ms: int) -> None:
    world.down_ms[machine.name] = down_ms
    machine.platter.cut_in(steps)


def _cut_on(name: str, world: World, machine: Machine, count: int, down_ms: int) -> None:
    world.down_ms[machine.name] = down_ms
    counts: dict[str, int] = getattr(world, name)
    counts[machine.name] = count


def _kill(world: World, machine: Machine, down_ms: int) -> None:
    world.down_ms[machine.name] = down_ms
    if machine.is_up:
        machine.kill()


def _cut(world: World, machine: Machine, down_ms: int) -> None:
    world.down_ms[machine.name] = down_ms
    world.cut_if_up(machine)


def _reset(world: World, machine: Machine, other: int) -> None:
    for line in world.roads.list_lines(machine, world.machines[other]):
        line.reset()


def _half_open(world: World, machine: Machine, other: int) -> None:
    for line in world.roads.list_lines(machine, world.machines[other]):
        line.reset(only=machine)


def _partition(world: World, machine: Machine, mask: int, closed_ms: int) -> None:
    sides = {one.place: mask >> place & 1 for place, one in enumerate(world.machines)}
    pairs = [pair for pair in world.roads.roads if len({sides[place] for place in pair}) > 1]
    _close_for(world, pairs, f"partition {world.next_label()}", closed_ms)


def _clog(world: World, machine: Machine, other: int, closed_ms: int) -> None:
    pair = frozenset((machine.place, world.machines[other].place))
    if pair in world.roads.roads:
        _close_for(world, [pair], f"clog {world.next_label()}", closed_ms)


def _swizzle(world: World, machine: Machine, closed_ms: int, label: int) -> None:
    """Close one road after the other, and open them in another order."""
    pairs, chance = list(world.roads.roads), Random(label)
    chance.shuffle(pairs)
    for turn, pair in enumerate(pairs):
        cause = f"swizzle {world.next_label()} {turn}"
        closed_s = chance.randint(closed_ms // 2, closed_ms) / 1_000
        world.begin(partial(_close_later, world, pair, cause, turn * 0.04, closed_s))


async def _close_later(world: World, pair: frozenset[str], cause: str, wait_s: float, closed_s: float) -> None:
    await pass_time(wait_s)
    if not world.is_calm:
        world.roads.close(pair, cause)
        await pass_time(closed_s)
        world.roads.open(pair, cause)


def _close_for(world: World, pairs: list[frozenset[str]], cause: str, closed_ms: int) -> None:
    for pair in pairs:
        world.roads.close(pair, cause)
    world.begin(partial(_open_later, world, pairs, cause, closed_ms / 1_000))


async def _open_later(world: World, pairs: list[frozenset[str]], cause: str, closed_s: float) -> None:
    await pass_time(closed_s)
    world.say(f"open {cause}")
    for pair in pairs:
        world.roads.open(pair, cause)
    if not world.is_calm:
        world.check_replays()


def _clock_jump(world: World, machine: Machine, offset_ms: int) -> None:
    machine.offset_ms = machine.clock.offset_ms = offset_ms


def _full_disk(world: World, machine: Machine, closed_ms: int) -> None:
    machine.platter.is_full = machine.is_up
    world.trouble(machine, closed_ms / 1_000)


def _failing_sync(world: World, machine: Machine, count: int) -> None:
    machine.platter.failing_syncs = count if machine.is_up else 0
    world.trouble(machine, 3.0)


def _restore(world: World, machine: Machine, wait_ms: int, down_ms: int) -> None:
    if world.is_honest(machine):
        world.begin(partial(_restore_later, world, machine, wait_ms / 1_000, down_ms))


async def _restore_later(world: World, machine: Machine, wait_s: float, down_ms: int) -> None:
    """The home is copied now, and later the copy takes its place; the note of the last signed head stays."""
    backup = machine.platter.copy_home(machine.config.home)
    await pass_time(wait_s)
    if world.is_calm:
        return
    world.say(f"put_back {machine.name}")
    world.down_ms[machine.name] = down_ms
    world.cut_if_up(machine)
    await asyncio.sleep(0)
    if not machine.is_up and not world.is_calm:
        machine.platter.put_back(machine.config.home, backup)
        world.ledger.note_restored(machine)


def _part(world: World, machine: Machine, other: int) -> None:
    origin = world.machines[other].origin
    world.do(machine, "part", lambda: _run(remove_peer(machine.node, OnePeer(origin))))


def _meet(world: World, machine: Machine, other: int) -> None:
    card = world.card_of(world.machines[other])
    world.do(machine, "meet", lambda: _run(pin_card(machine.node, card)))


async def _run(work: Awaitable[object]) -> None:
    await work


HAPPENINGS: dict[str, Callable[..., None]] = {
    "publish": _publish,
    "publish_many": _publish,
    "put_file": _put_file,
    "count_people": _count_people,
    "cut_in": _cut_in,
    "cut_on_tell": partial(_cut_on, "tell_cuts"),
    "cut_on_acknowledge": partial(_cut_on, "acknowledge_cuts"),
    "kill": _kill,
    "cut": _cut,
    "reset": _reset,
    "half_open": _half_open,
    "partition": _partition,
    "clog": _clog,
    "swizzle": _swizzle,
    "clock_jump": _clock_jump,
    "full_disk": _full_disk,
    "failing_sync": _failing_sync,
    "restore": _restore,
    "part": _part,
    "meet": _meet,
}
