"""One world of rounds: boot everybody, let the troubles of the seed happen, heal, and look at what they came to."""

import asyncio
import hashlib
from dataclasses import dataclass
from random import Random

from node.simulation.rounds.economy import MadeUp, draw_batch, make_economy
from node.simulation.rounds.ledger import Ledger
from node.simulation.rounds.member import Member
from node.simulation.rounds.memory_node import MemoryLog
from node.simulation.rounds.once import OnceLoop
from node.simulation.rounds.roads import Roads
from node.simulation.rounds.scenario import TROUBLE_S, Scenario
from node.simulation.world.lives import keep_tasks, let_end
from node.simulation.world.virtual_time import pass_time
from node.use_cases.planning.calls.terms import Terms
from protocol.core.encoding import encode, to_value
from protocol.federation.votes import quorum
from protocol.planning.call import PlanCall

CALL_ID = hashlib.sha256(b"a made-up call").digest()
ROUNDS_MAX = 30
CARDS_WAIT_MS, ANSWERS_WAIT_MS = 4_000, 2_000
LOOK_EVERY_S = 0.5
END_S = 600.0
"""Virtual seconds after the last trouble within which all must have come to the same."""


@dataclass(frozen=True)
class Outcome:
    """What came of a world: `rule` is empty when everything held."""

    scenario: Scenario
    rule: str
    detail: str
    digest: str
    ratified: bool
    stopped: str
    rounds: int
    records: int
    ended_s: float

    def describe(self) -> dict[str, object]:
        """For `--json`."""
        told = {name: getattr(self, name) for name in ("rule", "detail", "digest", "ratified", "stopped", "rounds")}
        world = {"seed": self.scenario.seed, "nodes": self.scenario.members}
        return {**world, "held": not self.rule, "records": self.records, **told}


def run_rounds(scenario: Scenario) -> Outcome:
    """Live through a world."""
    with asyncio.Runner(loop_factory=lambda: OnceLoop(scenario.seed)) as runner:
        return runner.run(_World(scenario).live())


class _World:
    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        origins = tuple(f"member-{number:02d}.example/log" for number in range(scenario.members))
        self.made: MadeUp = make_economy(
            origins,
            scenario.readings,
            CALL_ID,
            Random(f"economy {scenario.seed}"),  # noqa: S311
            draw_batch(scenario.seed),
        )
        self.logs = [MemoryLog(origin) for origin in origins]
        self.ledger = Ledger(self.logs, CALL_ID)
        self.members = [
            Member(number, log, scenario.seed, self.ledger, scenario.lies.get(number, ""), number in scenario.refusers)
            for number, log in enumerate(self.logs)
        ]
        self.roads = Roads(scenario, self.logs, lambda number: self.members[number].is_up, self._receive)
        table = encode(to_value(self.made.table))
        self.call = PlanCall(
            roster=bytes(32),
            scope="made up",
            period="made up",
            revision=0,
            goods_table=hashlib.sha256(table).digest(),
            readings=scenario.readings,
            rounds_max=ROUNDS_MAX,
            cards_wait_ms=CARDS_WAIT_MS,
            answers_wait_ms=ANSWERS_WAIT_MS,
        )
        self.terms = Terms(
            members=dict.fromkeys(origins, 1),
            names={origin: origin for origin in origins},
            card_terms=self.made.terms,
            exceptions=(),
            k_households=1,
            approvals_needed=quorum(scenario.members),
            people_needed=0,
        )
        for member in self.members:
            member.files.put(table)
            member.keep_sides(CALL_ID, self.made.sides[member.log.origin])

    async def live(self) -> Outcome:
        loop = asyncio.get_running_loop()
        keep_tasks(loop)
        loop.set_exception_handler(lambda _, found: self.ledger.error(str(found.get("exception") or found)))
        for member in self.members:
            self._boot(member)
        for crash in self.scenario.crashes:
            loop.call_later(crash.at_s, self._crash, self.members[crash.member])
            loop.call_later(crash.at_s + crash.down_s, self._boot, self.members[crash.member])
        loop.call_later(TROUBLE_S, self._heal)
        leveller = loop.create_task(self.roads.level_for_ever())
        while not (self.ledger.broken or (loop.time() > TROUBLE_S and self._is_settled())):
            if loop.time() > TROUBLE_S + END_S:
                self._blame_the_slow()
                break
            await pass_time(LOOK_EVERY_S)
        self._look_at_the_end()
        outcome = self._tell(loop.time())
        leveller.cancel()
        for member in self.members:
            if member.is_up:
                member.crash()
        await let_end()
        return outcome

    def _boot(self, member: Member) -> None:
        if not member.is_up:
            member.boot(CALL_ID, self.call, self.terms)
            assert member.node is not None
            member.node.changes.add_listener(lambda _, start, stop: self._published(member, start, stop))

    def _crash(self, member: Member) -> None:
        if member.is_up and asyncio.get_running_loop().time() < TROUBLE_S:
            member.crash()

    def _heal(self) -> None:
        self.roads.is_healed = True
        for member in self.members:
            self._boot(member)

    def _published(self, member: Member, start: int, stop: int) -> None:
        self.roads.held[member.number][member.number] = len(member.log.entries)
        member.hear(member.log, start, stop)
        self.roads.tell_all(member.number)

    def _receive(self, number: int, log: MemoryLog, size: int) -> None:
        author = next(place for place, one in enumerate(self.logs) if one is log)
        start = self.roads.held[number][author]
        self.roads.held[number][author] = size
        self.members[number].take(log, start, size)

    def _honest(self) -> list[Member]:
        return [member for member in self.members if not member.lie]

    def _is_settled(self) -> bool:
        honest = self._honest()
        return all(member.run is not None and member.run.is_over for member in honest) and self._is_level()

    def _is_level(self) -> bool:
        sizes = [len(log.entries) for log in self.logs]
        return all(self.roads.held[member.number] == sizes for member in self._honest())

    def _blame_the_slow(self) -> None:
        told = [f"{one.log.origin} {one.run.describe() if one.run else 'down'}" for one in self._honest()]
        self.ledger.fault("all come to an end once the faults stop", "; ".join(told))

    def _look_at_the_end(self) -> None:
        self.ledger.look_at_logs({member.log.origin for member in self._honest()})
        if self.ledger.broken:
            return
        ends = {
            (one.run.stage, one.run.trouble if one.run.stage == "stopped" else "") for one in self._honest() if one.run
        }
        if len(ends) > 1:
            self.ledger.fault("all end alike", f"{sorted(ends)}")
        ratified = {one.ratified for one in self._honest()}
        if len(ratified) > 1:
            self.ledger.fault("one plan in force", f"{len(ratified)} views of it")

    def _tell(self, now_s: float) -> Outcome:
        broken = self.ledger.broken[0] if self.ledger.broken else None
        first = self._honest()[0]
        stopped = first.run.trouble if first.run is not None and first.run.stage == "stopped" else ""
        ratified = first.ratified
        spoken = hashlib.sha256(b"".join(row.leaf for log in self.logs for _, row, _ in log.entries)).hexdigest()
        return Outcome(
            scenario=self.scenario,
            rule=broken.rule if broken else "",
            detail=broken.detail if broken else "",
            digest=spoken,
            ratified=ratified is not None,
            stopped=stopped,
            rounds=0 if first.run is None else sum(len(reading.reports) for reading in first.run.readings),
            records=sum(len(log.entries) for log in self.logs),
            ended_s=now_s,
        )
