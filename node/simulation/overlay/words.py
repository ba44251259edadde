"""What a run of a large federation has shown, line by line: name, value, unit, and what it must be at most or least.

Invariant: what is real and what is reduced stands beside the figures.
"""

from typing import Final, NamedTuple

from node.simulation.overlay.reduced import ReducedReport
from node.simulation.overlay.run import BYTES_BAR, LINKS_BAR, REACH, Report, Spread
from protocol.gossip.overlay import limits

LEAST: Final = "least"
MOST: Final = "most"
REAL: Final = (
    "Real: sessions with all their frames and limits, membership, trees, signatures, roots. Reduced: disks (memory, "
    "5 ms a commit), TLS and WebSocket (a call takes five ways; bytes are those of frames), cosignatures (lines that "
    "nobody signed), authors (the other nodes' logs stay empty), ways (4 to 20 ms within one of 8 networks, 20 to 120 "
    "ms between two). All of it is made up."
)


class Line(NamedTuple):
    """One figure; `side` is LEAST or MOST where there is a bar, else empty."""

    name: str
    value: float
    unit: str
    side: str = ""
    bar: float = 0.0


def list_lines(report: Report) -> list[Line]:
    """The figures of a full run."""
    return [
        Line("sessions of one node, at most", report.active_most, "", MOST, limits.ACTIVE_MAX),
        Line("sessions of one node, on average", report.active_mean, ""),
        *_list_spread("first record of each log", report.first, has_bars=False),
        *_list_spread("further records", report.steady, has_bars=True),
        Line("an idle minute, bytes received by a node", report.idle_bytes_a_minute, "bytes"),
        Line("vanished at once", report.vanished / report.nodes * 100, "%"),
        *_list_spread("right after", report.after, has_bars=False),
        Line("right after: reached once healed", report.after_in_the_end * 100, "%", LEAST, REACH * 100),
        Line("views healed after", report.repair_ms / 1_000, "s", LEAST, 0),
        *_list_spread("after that", report.repaired, has_bars=True),
        Line("a cosignature reached", report.cosignature_reached * 100, "%", LEAST, REACH * 100),
        Line("a cosignature, bytes a node", report.cosignature_bytes, "bytes"),
        Line("evidence of a fork reached", report.fork_reached * 100, "%", LEAST, REACH * 100),
    ]


def list_reduced_lines(report: ReducedReport) -> list[Line]:
    """The figures of the drawing."""
    name = f"{report.nodes:,} nodes, reduced"
    return [
        Line(f"{name}: sessions of one node, at most", report.active_most, "", MOST, limits.ACTIVE_MAX),
        Line(f"{name}: sessions of one node, on average", report.active_mean, ""),
        Line(f"{name}: reached", report.reached * 100, "%"),
        Line(f"{name}: links to 99.9 %", report.links_reach, "links"),
        Line(f"{name}: links to the last", report.links_most, "links"),
        Line(f"{name}: time to half", report.ms_half, "ms"),
        Line(f"{name}: time to 99.9 %", report.ms_reach, "ms"),
        Line(f"{name}: reached of those left without {report.vanished:,}", report.reached_after * 100, "%"),
        Line(f"{name}: links to 99.9 % of them", report.links_reach_after, "links"),
    ]


def _list_spread(name: str, spread: Spread, has_bars: bool) -> list[Line]:
    most, least = (MOST, LEAST) if has_bars else ("", "")
    return [
        Line(f"{name}: reached, the worst of {spread.records}", spread.reached_least * 100, "%", least, REACH * 100),
        Line(f"{name}: links to half", spread.links_half, "links"),
        Line(f"{name}: links to 99.9 %", spread.links_reach, "links", most, LINKS_BAR),
        Line(f"{name}: time to half", spread.ms_half, "ms"),
        Line(f"{name}: time to 99.9 %", spread.ms_reach, "ms"),
        Line(f"{name}: entry and note, times", spread.payload_times, "", most, BYTES_BAR),
        Line(f"{name}: pushed, bytes a node", spread.bytes_eager, "bytes"),
        Line(f"{name}: fetched, bytes a node", spread.bytes_fetched, "bytes"),
        Line(f"{name}: told lazily, bytes a node", spread.bytes_lazy, "bytes"),
        Line(f"{name}: control, bytes a node", spread.bytes_control, "bytes"),
        Line(f"{name}: brought again", spread.brought_again * 100, "%"),
    ]
