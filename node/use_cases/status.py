"""How a node is doing, in figures a volunteer can read out over the phone."""

import msgspec

from node.use_cases.context import Node, NoParams, Operation
from node.use_cases.peers import LanReport, PeeringReport
from storage.log import log_store, record_index
from storage.log.cosignatures import forks, newest_by_cosigner
from storage.peers import peer_state
from storage.private import till_lines
from storage.settings import set_setting, setting

PROVENANCE_SETTING = "provenance"
DEFAULT_QUANTITIES = "Quantities sold: this co-op's own till files."
TEXT_LENGTH_MAX = 1_000
DAY_MS = 86_400_000
CLOCK_DAYS_APART = 1
CLOCKS_READ_MAX = 1_000


class Provenance(msgspec.Struct, frozen=True):
    """Where the quantities sold come from, and what is made up: said on every page."""

    quantities: str
    made_up: tuple[str, ...] = ()


class LogStatus(msgspec.Struct, frozen=True, kw_only=True):
    """One log as this node holds it: its newest signed head and who has cosigned up to which size."""

    origin: str
    own: bool
    size: int
    root: str
    cosigned: dict[str, int]


class ReturnReport(msgspec.Struct, frozen=True):
    """Whether this home may sign; if not, why, and whose answer is still out."""

    may_sign: bool
    reason: str
    waits_for: tuple[str, ...]


class AskerReport(msgspec.Struct, frozen=True):
    """How many outside witnesses are asked; address of each that fails -> why."""

    asked: int
    failing: dict[str, str]


class KeeperReport(msgspec.Struct, frozen=True):
    """The roster's version (0: no federation), how many belong, and for whom the next version waits."""

    version: int = 0
    members: int = 0
    waits_for: tuple[str, ...] = ()


class CallProgress(msgspec.Struct, frozen=True):
    """How far a call has come at this node: which round of which reading, and whose word is still out."""

    stage: str
    trouble: str
    reading: int
    round: int
    waits_for: tuple[str, ...]


class Parts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How the parts of a running node do; nothing where it does not run. `planner`: where each call stands."""

    restored: ReturnReport | None = None
    peering: PeeringReport | None = None
    lan: LanReport | None = None
    outside_witnesses: AskerReport | None = None
    roster: KeeperReport | None = None
    roster_above: KeeperReport | None = None
    planner: dict[str, CallProgress] | None = None


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """The whole node at a glance.

    `disk`: why it cannot write, empty while it can. `clocks`: logs whose newest record is dated after this machine's
    clock, with how many days.
    """

    origin: str
    name: str
    logs: tuple[LogStatus, ...]
    peers: int
    records: int
    void: int
    kinds: dict[str, int]
    till_lines: int
    forks: int
    provenance: Provenance
    parts: Parts
    disk: str
    clocks: dict[str, int]


async def show_status(node: Node, _: NoParams) -> Status:
    """Logs, peers, records and till lines of this home."""
    db = node.database.reader
    kinds = record_index.counts_by_kind(db)
    logs = tuple(
        LogStatus(
            origin=head.origin,
            own=head.origin == node.origin,
            size=head.size,
            root=head.root.hex(),
            cosigned={name: one.size for name, one in newest_by_cosigner(db, head.origin).items()},
        )
        for head in log_store.heads(db)
    )
    reports = {name: part.describe() for name, part in node.parts.items() if hasattr(part, "describe")}
    return Status(
        origin=node.origin,
        name=node.name,
        logs=logs,
        peers=len(peer_state.peers(db)),
        records=sum(all_of_kind for all_of_kind, _ in kinds.values()),
        void=sum(void for _, void in kinds.values()),
        kinds={kind: all_of_kind for kind, (all_of_kind, _) in kinds.items()},
        till_lines=till_lines.line_count(db),
        forks=len(forks(db)),
        provenance=read_provenance(node),
        parts=Parts(**reports),
        disk=node.database.trouble,
        clocks=_find_clocks_ahead(node, [log.origin for log in logs if not log.own]),
    )


def _find_clocks_ahead(node: Node, origins: list[str]) -> dict[str, int]:
    """A date is a claim and decides nothing; but a clock that is wrong is for a person to put right."""
    now_ms, found = node.clock.now_ms(), {}
    for origin in origins[:CLOCKS_READ_MAX]:
        ahead_ms = record_index.newest_time_ms(node.database.reader, origin) - now_ms
        days = (ahead_ms + DAY_MS // 2) // DAY_MS
        if days >= CLOCK_DAYS_APART:
            found[origin] = days
    return found


def read_provenance(node: Node) -> Provenance:
    """What this home says about its figures; a real co-op's default when nothing was set."""
    found = setting(node.database.reader, PROVENANCE_SETTING)
    return Provenance(DEFAULT_QUANTITIES) if found is None else msgspec.convert(found, Provenance)


async def set_provenance(node: Node, params: Provenance) -> Provenance:
    """Say where quantities come from and what is made up, on every page of this home (private setting); texts are cut
    to TEXT_LENGTH_MAX."""
    trimmed = Provenance(params.quantities[:TEXT_LENGTH_MAX], tuple(text[:TEXT_LENGTH_MAX] for text in params.made_up))
    value = msgspec.to_builtins(trimmed)
    await node.database.write(lambda db: set_setting(db, PROVENANCE_SETTING, value))
    return trimmed


OPERATIONS = (
    Operation(
        "status",
        NoParams,
        show_status,
        "How this node is doing: logs, peers, records, till lines.",
        writes=False,
    ),
    Operation("provenance.set", Provenance, set_provenance, "Say on every page where figures come from."),
)
