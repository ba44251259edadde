"""One world from its first to its last moment: a scenario comes true, and after every event the ledger is asked.

Invariant: what happens follows from the scenario alone; the list of events is the same whenever it is run.
Spec: docs/spec/simulation.md
"""

import asyncio
import sqlite3
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from random import Random
from typing import Any, Final

from node.simulation.world.account.ledger import Ledger, ViolationError
from node.simulation.world.account.queues import check_queues
from node.simulation.world.disk.sqlite_vfs import faults as disk_faults
from node.simulation.world.homes import HomeImage
from node.simulation.world.liar import Liar
from node.simulation.world.lives import keep_tasks, let_end
from node.simulation.world.machine import Machine
from node.simulation.world.roads import Roads
from node.simulation.world.scenario import Happening, Scenario
from node.simulation.world.virtual_time import pass_time
from node.use_cases.peers import pin_card
from protocol.core.errors import MisuseError, PeerError, RefusedError
from protocol.federation.peer_card import PeerCard

EVENTS_MAX: Final = 200_000
BOOT_S: Final = 0.3
SESSIONS_WITHIN_S: Final = 180.0
"""Half-open connections last until patience ends, and callers wait up to 30 s more."""
LOOK_S: Final = 0.05
GRACE_S: Final = 1.0
"""What failed in a disk's last bad moment is told a little later."""
ROUNDS: Final = 3
HOP_LATENCIES: Final = 8
HOP_S: Final = 1.0
"""What is not on the road: batches of heads, commits, the moment before a head is cosigned."""

SLOW = (
    "silent for too long",
    "no hello in time",
    "what was asked for did not come",
    "does not take what is sent to it",
)


class World:
    """The machines of a scenario, their roads and their ledger."""

    def __init__(
        self, scenario: Scenario, images: Sequence[HomeImage], happen: "Callable[[World, Happening], None]"
    ) -> None:
        """`happen` has something be done or go wrong."""
        self.scenario, self._images, self._happen = scenario, images, happen
        self.ledger = Ledger()
        self.events: list[str] = []
        self.roads: Roads[Machine] = Roads(scenario.seed, self._note_arrival)
        self.machines: list[Machine] = []
        self.liar: Liar | None = None
        self.down_ms: dict[str, int] = {}
        self.tell_cuts: dict[str, int] = {}
        self.acknowledge_cuts: dict[str, int] = {}
        self.troubled_until_s: dict[str, float] = {}
        """When the disk of each machine that had trouble is well again."""
        self.is_calm = False
        self._labels = 1_000
        self._cards: dict[str, PeerCard] = {}
        self._failed: asyncio.Future[None] | None = None
        self._tasks: list[asyncio.Task[Any]] = []

    async def live(self) -> None:
        """From the first boot to the last check; ViolationError where something must not be."""
        loop = asyncio.get_running_loop()
        keep_tasks(loop)
        self._failed = loop.create_future()
        loop.set_exception_handler(self._note_loop_error)
        self._populate()
        story = loop.create_task(self._tell_story())
        try:
            await asyncio.wait([story, self._failed], return_when=asyncio.FIRST_COMPLETED)
            if self._failed.done():
                self._failed.result()
            story.result()
        finally:
            loop.set_exception_handler(lambda loop, found: None)
            for machine in self.machines:
                machine.dispose()
            for task in (story, *self._tasks):
                task.cancel()
            await let_end()

    def say(self, text: str) -> None:
        """Add to the list of events."""
        if len(self.events) >= EVENTS_MAX:
            raise ViolationError("a world never comes to rest", f"{EVENTS_MAX} events")
        self.events.append(f"{asyncio.get_running_loop().time():.6f} {text}")

    def fail(self, error: BaseException) -> None:
        """Something must not be: the world ends."""
        if self._failed is not None and not self._failed.done():
            self._failed.set_exception(error)

    def is_honest(self, machine: Machine) -> bool:
        """Whether this machine keeps the rules."""
        return self.liar is None or machine not in self.liar.machines

    def begin(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Have the world do something, beside the machines."""
        self._tasks.append(asyncio.get_running_loop().create_task(self._guard(work)))

    def next_label(self) -> int:
        """A number for something made up, never used before in this world."""
        self._labels += 1
        return self._labels

    async def boot(self, machine: Machine) -> None:
        """Switch a machine on, unless it runs; what it finds is held against the ledger."""
        if machine.is_up:
            return
        self.say(f"boot {machine.name}")
        await machine.boot()
        if machine.is_up and machine.boots > 1:
            self._check(partial(self.ledger.check_start, machine), machine)
            if not self.ledger.accounts[machine.name].is_restored:
                self._check(partial(self.ledger.check_acknowledged, machine), machine)

    def card_of(self, machine: Machine) -> PeerCard:
        """The card by which others meet this machine."""
        return self._cards[machine.origin]

    def trouble(self, machine: Machine, for_s: float) -> None:
        """A machine's disk fails for a while: errors are to be expected there."""
        loop = asyncio.get_running_loop()
        end_s = max(loop.time() + for_s, self.troubled_until_s.get(machine.name, 0.0))
        self.troubled_until_s[machine.name] = end_s
        loop.call_at(end_s, self._soothe, machine, end_s)

    def _soothe(self, machine: Machine, end_s: float) -> None:
        # Where trouble met trouble, the later end counts.
        if self.troubled_until_s[machine.name] == end_s:
            machine.platter.is_full = False
            machine.platter.failing_syncs = 0

    def _is_troubled(self, machine: Machine) -> bool:
        until_s = self.troubled_until_s.get(machine.name, -GRACE_S)
        return asyncio.get_running_loop().time() <= until_s + GRACE_S

    def check_replays(self) -> None:
        """Hold every machine's index against a replay of its logs."""
        for machine in self._up():
            self._check(partial(self.ledger.check_replay, machine), machine)

    def do(self, machine: Machine, what: str, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Have somebody at a machine do something; being refused is no fault."""
        if machine.is_up:
            self.say(f"{what} {machine.name}")
            machine.begin(self._try(machine, what, work))

    async def _try(self, machine: Machine, what: str, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        try:
            await work()
        except (RefusedError, PeerError, MisuseError, sqlite3.Error, OSError) as error:
            self.say(f"refused {machine.name} {what}: {type(error).__name__}")
        except ViolationError as error:
            self.fail(error)

    def _populate(self) -> None:
        scenario, images = self.scenario, self._images
        self._cards = {image.card.origin: image.card for image in images}
        for image, offset_ms in zip(images, scenario.offsets_ms, strict=True):
            machine = Machine(image.home.name, image, str(scenario.seed), self.roads, self)
            machine.offset_ms = offset_ms
            self._enter(machine)
        if scenario.byzantine is not None:
            liar = self.machines[scenario.byzantine.place]
            twin = Machine(
                f"{liar.name}'s twin", images[scenario.byzantine.place], f"{scenario.seed} twin", self.roads, self
            )
            self.liar = Liar(scenario, [liar, twin], self.say)
            self.roads.finder = self.liar.find
            self._enter(twin)
        for machine in self.machines:
            is_honest = self.is_honest(machine)
            self.ledger.enter(machine, is_honest)
            lies = None if self.liar is None or is_honest else self.liar.make_wire(machine)
            machine.wire = partial(self._note_sent, machine) if lies is None else lies
        for one, other, callers, law in scenario.roads:
            places = (images[one].home.name, images[other].home.name)
            self.roads.build(*places, law, frozenset(place for bit, place in enumerate(places) if callers >> bit & 1))

    def _enter(self, machine: Machine) -> None:
        self.machines.append(machine)
        self.roads.machines[machine.name] = machine

    async def _tell_story(self) -> None:
        chance = Random(f"boots {self.scenario.seed}")
        loop = asyncio.get_running_loop()
        for machine in self.machines:
            await pass_time(chance.uniform(0, BOOT_S / len(self.machines)))
            await self.boot(machine)
        for happening in self.scenario.happenings:
            await pass_time(max(0.0, happening.at_ms / 1_000 - loop.time()))
            self._happen(self, happening)
        if self.scenario.is_calmed:
            await self._calm_down()
        self.check_replays()
        near = {machine.name: component for component in self._list_components() for machine in component}
        for machine in self._up():
            if self.is_calm or not self.ledger.accounts[machine.name].is_restored:
                self._check(partial(self.ledger.check_acknowledged, machine, near.get(machine.name, [])), machine)
        if disk_faults:
            raise disk_faults[0]

    async def _calm_down(self) -> None:
        """No more faults: all honest machines of a component come to the same, in three crossings."""
        self.is_calm = True
        self.say("calm")
        self.roads.calm()
        self.tell_cuts.clear()
        self.acknowledge_cuts.clear()
        for machine in self.machines:
            machine.platter.soothe()
        now_s = asyncio.get_running_loop().time()
        self.troubled_until_s = {name: min(end_s, now_s) for name, end_s in self.troubled_until_s.items()}
        leaving = [] if self.liar is None else self.liar.machines
        if self.liar is not None and self.liar.is_staying:
            leaving = []
            self.say("lie stays")
        for machine in leaving:
            if machine.is_up:
                machine.kill()
        await pass_time(LOOK_S)
        for machine in self.machines:
            if machine not in leaving:
                await self.boot(machine)
        components = self._list_components()
        for component in components:
            await self._introduce(component)
        await self._until(lambda: self._find_missing_session(), SESSIONS_WITHIN_S, "no session")
        self.say("sessions stand")
        for component in components:
            within_s = ROUNDS * self._measure_round(component)
            await self._until(partial(self.ledger.check_level, component), within_s, "not level after three crossings")
        self.say("level")
        for machine in self.ledger.list_convinced(self._up()):
            self.say(f"evidence {machine.name}")

    async def _introduce(self, component: list[Machine]) -> None:
        """Whoever removed a peer, or was restored from before they met, adds it again."""
        for machine in component:
            for other in component:
                if other is not machine and machine.is_up:
                    await machine.begin(pin_card(machine.node, self._cards[other.origin]))

    async def _until(self, find_obstacle: Callable[[], object], within_s: float, rule: str) -> None:
        loop = asyncio.get_running_loop()
        end_s = loop.time() + within_s
        while obstacle := find_obstacle():
            if loop.time() >= end_s:
                raise ViolationError(rule, f"{obstacle} after {within_s:.1f} s")
            await pass_time(LOOK_S)

    def _find_missing_session(self) -> str:
        for component in self._list_components():
            for machine in component:
                for other in component:
                    if self.roads.are_joined(machine, other) and other.origin not in machine.peering.live_with():
                        return f"{machine.name} with {other.name}"
        return ""

    def _list_components(self) -> list[list[Machine]]:
        honest = [machine for machine in self.machines if self.is_honest(machine)]
        components: list[list[Machine]] = []
        while honest:
            found = [honest.pop(0)]
            for machine in found:
                joined = [other for other in honest if self.roads.are_joined(machine, other)]
                found += joined
                honest = [other for other in honest if other not in joined]
            components.append(found)
        return components

    def _measure_round(self, component: list[Machine]) -> float:
        """How long a word may take from one end of a component to the other, with all that is asked on the way."""
        slowest_ms = max((road.law.latency_ms[1] for road in self.roads.roads.values()), default=0)
        slowest_bytes = min((road.law.bytes_per_s for road in self.roads.roads.values()), default=1)
        hop_s = HOP_S + HOP_LATENCIES * slowest_ms / 1_000 + self._count_bytes() / slowest_bytes
        return max(1, len(component) - 1) * hop_s

    def _count_bytes(self) -> int:
        """Of all logs: what a machine that was off may have to fetch."""
        return sum(200 * size for roots in self.ledger.roots.values() for size in list(roots)[-1:])

    def _up(self) -> list[Machine]:
        return [machine for machine in self.machines if machine.is_up and self.is_honest(machine)]

    async def _guard(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        try:
            await work()
        except Exception as error:
            self.fail(error)

    def _check(self, check: Callable[[], None], machine: Machine) -> None:
        if self.is_honest(machine):
            try:
                check()
            except Exception as error:
                self.fail(error)

    def note_commit(self, machine: Machine) -> None:
        """A commit is on disk."""
        if machine.is_up:
            self._check(partial(self.ledger.note_commit, machine), machine)
            if not self.is_honest(machine):
                self.ledger.note_commit(machine)

    def note_end(self, machine: Machine, is_noticed: bool) -> None:
        """A life has ended: its connections are gone, and it starts again in a while."""
        self.say(f"{'end' if is_noticed else 'dark'} {machine.name}")
        self.roads.lose(machine, is_noticed)
        if not self.is_calm:
            self.begin(partial(self._boot_later, machine, self.down_ms.get(machine.name, 1_000)))

    async def _boot_later(self, machine: Machine, down_ms: int) -> None:
        await pass_time(down_ms / 1_000)
        if not self.is_calm:
            await self.boot(machine)

    def note_log(self, machine: Machine, level: str, event: str, fields: dict[str, Any]) -> None:
        """The node has logged something: errors are to be explained by a fault of its disk."""
        if level != "info":
            self.say(f"log {machine.name} {event} {sorted(map(str, fields.values()))}")
        if not self.is_honest(machine):
            return
        if level in ("error", "exception") and not self._is_troubled(machine):
            self.fail(ViolationError("a node met an error", f"{machine.name} {event} {fields}"))
        is_blamed = event == "peer_left" and (fields.get("fault"))
        if is_blamed and self.liar is None and fields["reason"] not in SLOW:
            self.fail(ViolationError("an honest peer was blamed", f"{machine.name}: {fields}"))

    def _note_sent(self, machine: Machine, raw: bytes) -> list[bytes]:
        if machine.life.is_over:
            return []
        told = self.ledger.accounts[machine.name].told_size
        self._check(partial(self.ledger.note_sent, machine, raw), machine)
        if self.ledger.accounts[machine.name].told_size > told and self._count_down(self.tell_cuts, machine):
            asyncio.get_running_loop().call_soon(self.cut_if_up, machine)
        return [raw]

    def note_acknowledged(self, machine: Machine, published: Any) -> None:
        """A record is there for good; perhaps this is the moment in which power fails."""
        self.ledger.note_acknowledged(machine, published)
        self.say(f"acknowledged {machine.name} {published.index}")
        if self._count_down(self.acknowledge_cuts, machine):
            asyncio.get_running_loop().call_soon(self.cut_if_up, machine)

    def cut_if_up(self, machine: Machine) -> None:
        """Cut a machine's power."""
        if machine.is_up:
            machine.cut()

    def _count_down(self, counts: dict[str, int], machine: Machine) -> bool:
        if machine.name not in counts:
            return False
        counts[machine.name] -= 1
        if counts[machine.name] > 0:
            return False
        del counts[machine.name]
        return True

    def _note_arrival(self, source: Machine, target: Machine, raw: bytes | None) -> None:
        code = "--" if raw is None else raw[:1].hex()
        self.say(f"{source.name} > {target.name} {code} {0 if raw is None else len(raw)}")
        target.largest_frame = max(target.largest_frame, 0 if raw is None else len(raw))
        if target.is_up:
            self._check(partial(check_queues, target), target)

    def _note_loop_error(self, _: asyncio.AbstractEventLoop, found: dict[str, Any]) -> None:
        error = found.get("exception")
        self.fail(ViolationError("an error that nobody took", f"{found.get('message')}: {error!r} {found}"))
