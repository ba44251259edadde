"""The pages of logs from what the log and peer use cases answer, in neutral words."""

from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import quote

from node.use_cases.logs import LogContents, LogView, RecordView
from node.use_cases.peers import PeerLine
from node.web.figures.words import format_count
from node.web.logs.model import Cosigner, LogPage, LogRow, RecordRow

OWN = "this node writes it"
NO_SESSION = "not talked to directly; its records come by way of others"


def fill_log_row(view: LogView, connections: Mapping[str, str]) -> LogRow:
    """One log; `connections` says for each peer's origin how this node talks to it."""
    return LogRow(
        origin=view.origin,
        path=_log_path(view.origin),
        name=view.name,
        size=view.size,
        root=view.root,
        cosigned_by=tuple(Cosigner(cosigner.name, cosigner.size) for cosigner in view.cosigners),
        witnessed=tell_witnessed(view),
        connection=OWN if view.is_own else connections.get(view.origin, NO_SESSION),
        is_own=view.is_own,
        versions=view.versions,
        cut=tell_cut(view),
    )


def tell_cut(view: LogView) -> str:
    """Where the records of a log that count end; empty where all of them do."""
    if view.has_ended:
        ended = f"This log ended: its first {format_count(view.counted)} records count. It stays readable as a whole."
        return f"{ended} {_tell_signed_after_end(view)}".rstrip()
    if view.versions == 1:
        return ""
    if not view.counted:
        return (
            "Where the versions part is not known yet; until then none of its records count, but for closed decisions."
        )
    return f"The versions part after record {format_count(view.counted)}: the rest counts in closed decisions only."


def _tell_signed_after_end(view: LogView) -> str:
    """That an ended log's key signed more; empty where nothing of the kind is known."""
    if not view.signed_after_end:
        return ""
    return (
        f"A head of {format_count(view.signed_after_end)} records was signed beyond that end, which can be proven: its "
        "last records had not reached the others by then, or its key is still in use somewhere."
    )


def tell_connection(line: PeerLine) -> str:
    """How this node talks to a peer, or since when it does not and why."""
    if line.state == "connected":
        said = f"connected since {_format_time(line.connected_since_ms)}" if line.connected_since_ms else "connected"
        return f"{said}, {format_count(line.bytes_in)} bytes in and {format_count(line.bytes_out)} out"
    seen = f"last seen {_format_time(line.last_seen_ms)}" if line.last_seen_ms else "never seen yet"
    reason = f" ({line.last_error})" if line.last_error else ""
    return f"{line.state}, {seen}{reason}"


def tell_witnessed(view: LogView) -> str:
    """Whether enough witnesses vouch for the newest head, in words that fit after the number of records."""
    if view.witnesses == 0:
        return "no witnesses are named for it yet"
    if view.witnessed_size < view.size:
        reached = f"record {format_count(view.witnessed_size)}" if view.witnessed_size else "nothing"
        return f"witnessed up to {reached} so far ({view.needed} of {view.witnesses} witnesses are needed)"
    vouching = sum(cosigner.size >= view.size for cosigner in view.cosigners)
    if view.witnesses == 1:
        return "seen by one partner, which is not safe against two versions"
    return f"witnessed by {vouching} of {view.witnesses}"


def fill_log_page(contents: LogContents, connections: Mapping[str, str]) -> LogPage:
    """One log with its latest records."""
    return LogPage(
        row=fill_log_row(contents.log, connections),
        records=tuple(_fill_record(record) for record in contents.records),
        note=contents.note,
    )


def _fill_record(record: RecordView) -> RecordRow:
    return RecordRow(
        index=record.index,
        kind=record.kind,
        doc=record.doc,
        at=_format_time(record.at_ms),
        leaf=record.leaf,
        void=record.void or None,
    )


def _format_time(at_ms: int) -> str:
    """A claimed time to the second, in UTC; empty where an entry claims none."""
    if not at_ms:
        return ""
    return datetime.fromtimestamp(at_ms // 1_000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _log_path(origin: str) -> str:
    """The address of a log's page."""
    return f"/logs/{quote(origin)}"
