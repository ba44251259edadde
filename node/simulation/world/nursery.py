"""Where homes meet before a world begins: they pin each other, and some found a federation, on roads without faults.

Invariant: what comes out is made once in a process and is the same in every process.
Spec: docs/spec/simulation.md
"""

import asyncio
from collections.abc import Callable
from functools import cache
from typing import Any, Final

import msgspec

from node.simulation.world.homes import HomeImage, make_home, place_of, read_own_head
from node.simulation.world.lives import keep_tasks, let_end
from node.simulation.world.machine import Machine
from node.simulation.world.roads import Law, Roads
from node.simulation.world.virtual_time import pass_time, run_in_virtual_time
from node.use_cases.context import NoParams
from node.use_cases.federation.verbs import CreateParams, InviteParams, JoinParams, create, invite, join
from node.use_cases.peers import make_card, pin_card
from protocol.federation.charter import Charter
from storage.home.head_file import TOLD_SUFFIX

GROWN_WITHIN_S: Final = 600.0
LOOK_S: Final = 0.1


class _NobodyWatches:
    """A machine's watcher where nothing goes wrong."""

    def note_commit(self, machine: Machine) -> None:
        """Nothing is held against anybody."""

    def note_end(self, machine: Machine, is_noticed: bool) -> None:
        """The world ends."""

    def note_log(self, machine: Machine, level: str, event: str, fields: dict[str, Any]) -> None:
        """Whatever fails here must be seen."""
        assert level not in ("error", "exception"), f"{event} {fields}"


@cache
def make_homes(count: int, length: int, is_federated: bool) -> tuple[HomeImage, ...]:
    """Homes that know each other by their cards, or by their roster too."""
    images = [make_home(number, length) for number in range(count)]
    return run_in_virtual_time(lambda: _raise(images, is_federated))


async def _raise(images: list[HomeImage], is_federated: bool) -> tuple[HomeImage, ...]:
    keep_tasks(asyncio.get_running_loop())
    roads: Roads[Machine] = Roads(0, lambda source, target, raw: None)
    machines = [
        Machine(place_of(number), image, "nursery", roads, _NobodyWatches()) for number, image in enumerate(images)
    ]
    for one in machines:
        roads.machines[one.name] = one
        for other in machines:
            if one.name < other.name:
                roads.build(one.name, other.name, Law(), frozenset((one.name, other.name)))
    try:
        for machine in machines:
            await machine.boot()
        for machine in machines:
            cards = [image.card for image in images if image.card.origin != machine.origin]
            await machine.begin(_pin_all(machine, cards))
        await _grow(lambda: all(map(_has_all_logs, machines)))
        if is_federated:
            await _federate(machines)
        await _grow(lambda: all(_read_sizes(machine) == _read_sizes(machines[0]) for machine in machines))
        heads = [read_own_head(machine.node) for machine in machines]
        for machine in machines:
            machine.kill()
        files = [machine.platter.copy_all() for machine in machines]
        return tuple(map(_change, images, files, heads))
    finally:
        for machine in machines:
            machine.dispose()
        await let_end()


def _change(image: HomeImage, files: dict[str, bytes], head: tuple[int, bytes]) -> HomeImage:
    # Whom a head was told is noted anew: all that was told so far lies in every backup that a world makes.
    kept = {name: content for name, content in files.items() if not name.endswith(TOLD_SUFFIX)}
    return image._replace(files=kept, head=head)


def _read_sizes(machine: Machine) -> dict[str, int]:
    return {origin: head.size for origin, head in machine.peering.exchange.frontier.heads.items()}


async def _pin_all(machine: Machine, cards: list[Any]) -> None:
    for card in cards:
        await pin_card(machine.node, card)


async def _federate(machines: list[Machine]) -> None:
    """The first founds, and invites the others."""
    founder, *guests = machines
    charter = _make_charter([machine.origin for machine in machines])
    await founder.begin(create(founder.node, CreateParams(charter=charter, kind="consumers", people=10)))
    await _grow(lambda: founder.node.parts["roster"].history is not None)
    for guest in guests:
        card = await make_card(guest.node, NoParams())
        invitation = await founder.begin(invite(founder.node, InviteParams(card=card.card)))
        params = JoinParams(invitation=invitation.invitation, kind="consumers", people=10)
        await guest.begin(join(guest.node, params))
    await _grow(lambda: all(_count_members(machine) == len(machines) for machine in machines))
    await _grow(lambda: all(map(_has_all_logs, machines)))


def _make_charter(witnesses: list[str]) -> Charter:
    row = {
        "name": "made-up federation",
        "language": "en",
        "currency": "EUR",
        "currency_exponent": 2,
        "required_sections": [],
        "committee_threshold": 1,
        "approvals_percent_coops": 67,
        "approvals_percent_people": 0,
        "witnesses": sorted(witnesses),
        "witness_rule": "half",
        "credits_per_person_micro": 1_000_000,
        "floors": [],
        "k_households": 5,
        "rules": {"federation": 1},
    }
    return msgspec.convert(row, Charter)


def _count_members(machine: Machine) -> int:
    history = machine.node.parts["roster"].history
    return 0 if history is None else len(history.newest.voters)


def _has_all_logs(machine: Machine) -> bool:
    sizes = machine.peering.exchange.frontier.heads.values()
    return bool(machine.peering.live_with()) and all(head.size for head in sizes)


async def _grow(is_so: Callable[[], bool]) -> None:
    loop = asyncio.get_running_loop()
    end_s = loop.time() + GROWN_WITHIN_S
    while not is_so():
        assert loop.time() < end_s, "homes that do not come to know each other"
        await pass_time(LOOK_S)
