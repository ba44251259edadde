"""The logs this node holds, as people look at them: how long, who cosigned what, what the latest records are.

Invariant: facts only, in neutral words; what breaks its rule is shown with the reason, never hidden.
"""

from collections.abc import Iterator
from typing import Annotated

import msgspec

from node.use_cases.context import Node, NoParams, Operation
from node.use_cases.cosign import witness_roster
from node.use_cases.description import LINES_TOLD, Command, Rows, count, help_of
from node.use_cases.fork_watch import list_later_heads
from node.use_cases.log.heads import OriginName, log_vkey
from protocol.core.errors import RefusedError
from protocol.core.note import parse_note
from protocol.log.checkpoint import parse_checkpoint
from protocol.log.cosignature import WITNESS_SUFFIX, witness_name
from protocol.log.quorum import count_needed, list_eligible, witnessed_size
from protocol.record_kinds import KINDS
from storage.log import fork_cuts, log_store, record_index
from storage.log.cosignatures import forks, newest_by_cosigner
from storage.log.log_store import Head

RECORDS_SHOWN_MAX = 1_000
_HASH_TOLD = 16
"""Digits of a hash that tell it apart for people."""
NOT_READABLE_DOC = "An entry that is no record."
UNKNOWN_DOC = "A kind that this node does not know: kept and mirrored, not read."


class LogParams(msgspec.Struct, kw_only=True):
    """Which log (this home's own where none is named), and how many of its latest records."""

    origin: OriginName = ""
    last: Annotated[int, msgspec.Meta(ge=0, le=RECORDS_SHOWN_MAX), help_of("How many of the latest records.")] = (
        LINES_TOLD
    )


class CosignerView(msgspec.Struct, frozen=True):
    """A cosigner by the name of its log's owner and the size of the newest head that it cosigned."""

    origin: str
    name: str
    size: int


class LogView(msgspec.Struct, frozen=True, kw_only=True):
    """One log: its newest signed head, who cosigned, and up to which size enough witnesses did.

    `witnesses` may vouch for it and `needed` of them must; `versions` is more than 1 where two heads were signed that
    no proof joins. `counted` of its entries count in views, which is fewer where versions part or the log has ended;
    `signed_after_end` is the largest size signed beyond that end, 0 where none is known.
    """

    origin: str
    name: str
    is_own: bool
    size: int
    root: str
    cosigners: tuple[CosignerView, ...]
    witnesses: int
    needed: int
    witnessed_size: int
    versions: int
    counted: int
    has_ended: bool
    signed_after_end: int


class RecordView(msgspec.Struct, frozen=True, kw_only=True):
    """One record: its place, kind, the time its author claims, its id, and why it is void if it is."""

    index: int
    kind: str
    doc: str
    at_ms: int
    leaf: str
    void: str


class Logs(msgspec.Struct, frozen=True):
    """Every log this node holds, its own first, then by name."""

    logs: tuple[LogView, ...]


class LogContents(msgspec.Struct, frozen=True, kw_only=True):
    """One log with its signed head as text, the key that its auditors need and its latest records, newest first."""

    log: LogView
    note: str
    key: str
    records: tuple[RecordView, ...]


async def list_logs(node: Node, _: NoParams) -> Logs:
    """Every log this node holds and who cosigned it."""
    names = read_names(node)
    views = [_view_of(node, head, names) for head in log_store.heads(node.database.reader)]
    return Logs(tuple(sorted(views, key=lambda view: (not view.is_own, view.name, view.origin))))


async def show_log(node: Node, params: LogParams) -> LogContents:
    """One log with its latest records; RefusedError when this node does not hold it."""
    db = node.database.reader
    origin = params.origin or node.origin
    head = log_store.head(db, origin)
    if head is None:
        raise RefusedError.at("origin", "this node holds no log of that name")
    rows = record_index.rows(db, origin, params.last)
    return LogContents(
        log=_view_of(node, head, read_names(node)),
        note=head.note.decode(errors="replace"),
        key=log_vkey(db, origin),
        records=tuple(
            RecordView(
                index=row.index,
                kind=row.kind,
                doc=_describe_kind(row.kind),
                at_ms=row.at_ms,
                leaf=row.leaf.hex(),
                void=row.void,
            )
            for row in rows
        ),
    )


def read_names(node: Node) -> dict[str, str]:
    """What each log's owner called itself in its first record; this node by the name it goes by here."""
    founded = record_index.records(node.database.reader, "log.founding")
    names = {indexed.origin: indexed.body.name for indexed in founded if indexed.index == 0}
    return names | {node.origin: node.name}


def _describe_kind(kind: str) -> str:
    if kind == record_index.NOT_READABLE:
        return NOT_READABLE_DOC
    return KINDS[kind].doc if kind in KINDS else UNKNOWN_DOC


def _view_of(node: Node, head: Head, names: dict[str, str]) -> LogView:
    db = node.database.reader
    sizes = {name: one.size for name, one in newest_by_cosigner(db, head.origin).items()}
    roster = witness_roster(node)
    witness_set, owner, rule = set(roster.witness_keys()), witness_name(head.origin), roster.witness_rule()
    witnesses = len(list_eligible(witness_set, owner))
    cut = fork_cuts.cut_of(db, head.origin)
    beyond = (parse_checkpoint(parse_note(evidence.note)[0]) for evidence in list_later_heads(db))
    return LogView(
        origin=head.origin,
        name=names.get(head.origin, head.origin),
        is_own=head.origin == node.origin,
        size=head.size,
        root=head.root.hex(),
        cosigners=tuple(_cosigner_of(name, size, names) for name, size in sorted(sizes.items())),
        witnesses=witnesses,
        needed=count_needed(witness_set, owner, rule) if witnesses else 0,
        witnessed_size=witnessed_size(sizes, witness_set, owner, rule),
        versions=1 + sum(origin == head.origin for origin, *_ in forks(db)),
        counted=head.size if cut is None else min(head.size, cut[0]),
        has_ended=fork_cuts.retired_at(db, head.origin) is not None,
        signed_after_end=max((one.size for one in beyond if one.origin == head.origin), default=0),
    )


def _cosigner_of(name: str, size: int, names: dict[str, str]) -> CosignerView:
    origin = name.removesuffix(WITNESS_SUFFIX)
    return CosignerView(origin, names.get(origin, origin), size)


def _tell_log(shown: LogContents) -> Iterator[str | Rows]:
    log = shown.log
    yield f"{log.name} ({log.origin}): {count(log.size, 'record')}, root {log.root[:_HASH_TOLD]}."
    if log.versions > 1:
        yield "Two versions of this log exist; both are kept and shown."
    if log.has_ended:
        yield f"This log ended: its first {count(log.counted, 'record')} count."
    elif log.counted < log.size:
        yield f"Its first {count(log.counted, 'record')} count; what comes after does in closed decisions only."
    if log.signed_after_end:
        yield f"A head of {count(log.signed_after_end, 'record')} was signed beyond that end: its last records had not"
        yield "reached the others by then, or its key is still in use. The proof: `rochdale log evidence`."
    cosigners = ", ".join(f"{one.name} up to {one.size}" for one in log.cosigners)
    yield f"Cosigned by {cosigners}." if cosigners else "Cosigned by nobody yet."
    yield f"Its key, for auditors: {shown.key}"
    rows = [(one.index, one.kind, one.leaf[:_HASH_TOLD], one.void) for one in shown.records]
    yield Rows(("index", "kind", "id", "void because"), rows)


OPERATIONS = (
    Operation("log.list", NoParams, list_logs, "The logs this node holds and who cosigned them.", writes=False),
    Operation(
        "log.show",
        LogParams,
        show_log,
        "How long a log is, who cosigned it, the key that auditors need, and its latest records.",
        writes=False,
        tell=_tell_log,
        command=Command("log show", group="This home's log and the logs it holds for others."),
    ),
)
