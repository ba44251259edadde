"""The demo: a made-up region of co-ops as real processes, from till files to a ratified plan.

Invariant: every figure that it reports is measured in this run; votes of meetings are scripted and say so.
Invariant: it asks nodes only for what a co-op's own commands and pages ask.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from node.config import Config
from node.simulation.demo.node_process import CLOCK, NodeProcess, run_together
from node.simulation.demo.ports import find_free_ports
from node.simulation.demo.supply import agree_prices
from node.simulation.demo.tills import TillSource
from node.simulation.region.calls import (
    charter_row,
    council_release,
    members_of,
    producer_release,
    table_row,
)
from node.simulation.region.region import MADE_UP_NOTICE, Coop, Region
from node.use_cases.home import init_home
from protocol.core.errors import RefusedError

WITNESSES = 3
POLL_S = 0.1
JOIN_WAIT_S = 60.0
PLAN_WAIT_S = 240.0
SETTLE_WAIT_S = 60.0
KILL_AFTER_ROUNDS = 2
REJOIN_AFTER_ROUNDS = 3
EDITED_PERCENT = 140
EDITING_COOP = "southgate"
EDITED_GOOD = "apples"
KILLED_PRODUCER = -1
PERIOD = "a week in December 2026 (made up)"

Say = Callable[[str], None]


@dataclass
class Demo:
    """One run: its nodes by the region's keys, and what has been measured so far."""

    folder: Path
    region: Region
    tills: TillSource
    say: Say
    nodes: dict[str, NodeProcess] = field(default_factory=dict)
    measured: dict[str, Any] = field(default_factory=dict)
    started_s: float = field(default_factory=CLOCK.monotonic_s)

    @property
    def coops(self) -> list[NodeProcess]:
        """The consumer co-ops' nodes."""
        return [self.nodes[coop.id] for coop in self.region.coops]

    @property
    def founder(self) -> NodeProcess:
        """The co-op that founds the federation and calls the plan."""
        return self.coops[0]

    def run(self) -> None:
        """Everything up to the ratified plan."""
        self.make_homes()
        self.start_nodes()
        self.found_federation()
        self.import_tills()
        self.say("Producers publish products, disclosures and prices; committees sign with keys of their own.")
        today = date.fromtimestamp(CLOCK.now_ms() / 1000)
        agree_prices(self.region, self.nodes, self.folder / "people", today)
        self.make_plan()
        self.ratify()
        self.measured["seconds"] = round(CLOCK.monotonic_s() - self.started_s, 1)

    def make_homes(self) -> None:
        """A home for every member, with ports that are free now."""
        members = members_of(self.region)
        self.say(f"{len(members)} homes: keys, logs, first records.")
        ports = find_free_ports(len(members))
        for member, port in zip(members, ports, strict=True):
            node = NodeProcess(member.id, member.name, self.folder / member.id)
            node.home.mkdir(parents=True)
            config = Config(home=node.home, name=member.name, peer_port=port)
            node.origin = asyncio.run(init_home(config, CLOCK)).origin
            self.nodes[member.id] = node

    def start_nodes(self) -> None:
        """Every home in a process of its own."""
        self.say(f"{len(self.nodes)} processes start.")
        for node in self.nodes.values():
            node.start()
        for node in self.nodes.values():
            node.wait_ready()
        provenance = {"quantities": self.tills.quantities, "made_up": [MADE_UP_NOTICE, *self.tills.made_up]}
        run_together([lambda node=node: node.call("provenance.set", provenance) for node in self.nodes.values()])

    def found_federation(self) -> None:
        """One co-op founds; the others are invited, join, and are decided on."""
        members = members_of(self.region)
        witnesses = tuple(sorted(node.origin for node in self.coops[:WITNESSES]))
        first, *others = members
        charter = charter_row(self.region, witnesses)
        self.founder.call("federation.create", {"charter": charter, "kind": "consumers", "people": people_of(first)})
        for member in others:
            node = self.nodes[member.id]
            card = node.call("peer.card")["card"]
            invitation = self.founder.call("federation.invite", {"card": card})["invitation"]
            kind = "consumers" if isinstance(member, Coop) else "producers"
            node.call("federation.join", {"invitation": invitation, "kind": kind, "people": people_of(member)})
        self.wait(self.has_whole_roster, JOIN_WAIT_S, "the roster of all members")
        roster = self.founder.call("federation.roster")
        self.say(f"One federation: {len(roster['members'])} members, roster version {roster['version']}.")

    def has_whole_roster(self) -> bool:
        """Whether every node works out the same roster with everybody in it."""
        hashes = set()
        for node in self.nodes.values():
            try:
                report = node.call("federation.roster")
            except RefusedError:
                return False
            if len(report["members"]) != len(self.nodes):
                return False
            hashes.add(report["hash"])
        return len(hashes) == 1

    def import_tills(self) -> None:
        """Each co-op imports its own till file with the command that a volunteer types."""
        files = self.tills.write_files(self.folder, [coop.id for coop in self.region.coops])
        lines = 0
        reports = run_together(
            [lambda node=node, path=files[node.key]: node.command("till", "import", str(path)) for node in self.coops]
        )
        for node, report in zip(self.coops, reports, strict=True):
            lines += report["lines_new"]
            self.say(f"{node.name} imports {report['lines_new']} till lines of {report['households']} households.")
        self.measured["till_lines"] = lines

    def make_plan(self) -> None:
        """Two readings, with a node killed in the first and an edited proposal in the second."""
        call = {"table": table_row(self.region), "scope": "the made-up region", "period": PERIOD}
        answer = self.founder.call("plan.call", call)
        self.measured["goods"] = answer["goods"]
        self.say(f"{self.founder.name} calls a plan over {answer['goods']} goods; every member releases its proposal.")
        self.release(1, {})
        victim = self.nodes[self.region.producers[KILLED_PRODUCER].id]
        self.wait(lambda: self.round_of(1) >= KILL_AFTER_ROUNDS, PLAN_WAIT_S, "the first rounds")
        victim.kill()
        self.say(f"{victim.name} is killed (SIGKILL) in the middle of the rounds.")
        self.wait(lambda: self.round_of(1) >= REJOIN_AFTER_ROUNDS, PLAN_WAIT_S, "rounds without it")
        victim.start()
        victim.wait_ready()
        self.say(f"{victim.name} is back and catches up.")
        self.wait(lambda: self.digest_of(1) != "", PLAN_WAIT_S, "the first draft")
        self.say("The first draft is there; one co-op edits its proposal, the others let theirs stand.")
        edit = {EDITED_GOOD: EDITED_PERCENT}
        self.release(2, {EDITING_COOP: edit})
        self.wait(lambda: self.digest_of(2) != "", PLAN_WAIT_S, "the second draft")
        self.wait(self.all_have_checked, SETTLE_WAIT_S, "every node's check of the draft")
        self.measured["killed_and_rejoined"] = victim.starts == 2 and self.is_level(victim)
        report = self.founder.call("plan.show")
        rounds = [len(reading["rounds"]) for reading in report["readings"]]
        self.say(f"Second draft {report['digest'][:16]} after {' + '.join(map(str, rounds))} rounds, checked by all.")

    def release(self, reading: int, edits: dict[str, dict[str, int]]) -> None:
        """Every member's word for one reading, each at its own node."""
        jobs = []
        for coop in self.region.coops:
            release = council_release(self.region, edits.get(coop.id))
            jobs.append(lambda coop=coop, release=release: self.propose(coop.id, reading, release))
        for producer in self.region.producers:
            release = producer_release(self.region, producer)
            jobs.append(lambda producer=producer, release=release: self.propose(producer.id, reading, release))
        run_together(jobs)

    def propose(self, key: str, reading: int, release: dict[str, Any]) -> None:
        """One member's release, as soon as its node knows the call."""
        node = self.nodes[key]
        deadline_s = CLOCK.monotonic_s() + JOIN_WAIT_S
        while True:
            try:
                node.call("plan.propose", {"release": release, "reading": reading})
                return
            except RefusedError:
                if CLOCK.monotonic_s() > deadline_s:
                    raise
                CLOCK.pause(POLL_S)

    def ratify(self) -> None:
        """Each co-op's meeting votes by script, and its node signs the outcome."""
        for place, node in enumerate(self.nodes.values()):
            votes = {"yes": 20 + place, "no": place % 3, "abstained": 1, "made_up": True}
            node.call("plan.ratify", {"approve": True, **votes})
        self.wait(lambda: self.founder.call("plan.status")["ratified"], SETTLE_WAIT_S, "the approvals")
        self.wait(self.all_ratified, SETTLE_WAIT_S, "all nodes to know")
        self.say("The plan is in force: the meetings' votes were scripted, so made up.")

    def round_of(self, reading: int) -> int:
        """How many rounds of a reading the founder has closed."""
        status = self.founder.call("plan.status")
        self.check_trouble(status)
        if status["reading"] != reading:
            return 0 if status["reading"] < reading else 1_000
        return int(status["round"])

    def digest_of(self, reading: int) -> str:
        """The digest of a reading's draft at the founder, empty while there is none."""
        self.check_trouble(self.founder.call("plan.status"))
        readings = self.founder.call("plan.show")["readings"]
        return str(readings[reading - 1]["digest"]) if len(readings) >= reading else ""

    def all_have_checked(self) -> bool:
        """Whether every member signed that it found nothing against the newest draft."""
        certificate = self.founder.call("plan.show")["certificate"]
        return certificate is not None and len(certificate["checked_by"]) == len(self.nodes)

    def all_ratified(self) -> bool:
        """Whether every node sees the plan in force, by everybody's approval."""
        statuses = [node.call("plan.status") for node in self.nodes.values()]
        return all(status["ratified"] and len(status["approved_by"]) == len(self.nodes) for status in statuses)

    def is_level(self, node: NodeProcess) -> bool:
        """Whether a node has come to the founder's draft by itself."""
        return bool(node.call("plan.status")["digest"] == self.founder.call("plan.status")["digest"])

    def check_trouble(self, status: dict[str, Any]) -> None:
        """A plan that stopped ends the demo with its reason."""
        if status["trouble"]:
            raise RefusedError.at("plan", status["trouble"])

    def wait(self, is_done: Callable[[], bool], wait_s: float, what: str) -> None:
        """Ask again until it is so; RefusedError when it takes too long."""
        deadline_s = CLOCK.monotonic_s() + wait_s
        while not is_done():
            if CLOCK.monotonic_s() > deadline_s:
                raise RefusedError.at("demo", f"{what} did not come within {wait_s:.0f} s")
            CLOCK.pause(POLL_S)

    def stop(self) -> None:
        """End every process."""
        run_together([node.stop for node in self.nodes.values()])


def people_of(member: Any) -> int:
    """How many people a member counts in the roster: a co-op's people, a producer's workers."""
    return int(member.people if isinstance(member, Coop) else member.workers)
