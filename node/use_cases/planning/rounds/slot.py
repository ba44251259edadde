"""One round's set in the making: who has spoken, who still has time, and which set this node would accept.

Invariant: what a facilitator set aside counts as silent; a contribution held in time is in every set accepted here.
Spec: docs/spec/planning/plan-records.md
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from node.use_cases.federation.deciding import Decider
from protocol.core.errors import RefusedError
from protocol.planning.call import CARDS_ROUND, PlanCall, format_set, judge_set, parse_set
from protocol.planning.facilitating.notices import Standing
from storage.log.record_index import IndexedRecord

SILENT_WAIT_MS = 500
"""How long the wait is for a participant that was silent in the round before."""


@dataclass
class Slot:
    """One round's set in the making; for `silent_before`, silent in the round before, the wait is short, and
    `patience_ms` says for whom it is another one than the call's. It takes records of one `kind`."""

    reading: int
    number: int
    id: bytes
    kind: str
    expected: frozenset[str]
    silent_before: frozenset[str]
    opened_s: float
    held: dict[str, IndexedRecord] = field(default_factory=dict)
    in_time: set[str] = field(default_factory=set)
    content: bytes | None = None
    decider: Decider | None = None
    contributed: bool = False
    patience_ms: Mapping[str, float] = field(default_factory=dict)

    def format_own_set(self, standing: Standing) -> bytes:
        """The set that this node would propose now."""
        listed = {name: self.held[name].leaf if name in self.held else None for name in self.expected}
        return format_set(
            {name: None if self._is_aside(standing, name, leaf) else leaf for name, leaf in listed.items()}
        )

    def judge(self, content: bytes, standing: Standing) -> bool | None:
        """Whether this node accepts a proposed set; None while it lacks a contribution that is listed."""
        held = {origin: indexed.leaf for origin, indexed in self.held.items()}
        aside = {origin for origin, leaf in held.items() if self._is_aside(standing, origin, leaf)}
        try:
            listed = parse_set(content)
        except RefusedError:
            return False
        if any(leaf is not None and self._is_aside(standing, origin, leaf) for origin, leaf in listed.items()):
            return False
        return judge_set(content, self.expected, held, frozenset(self.in_time - aside))

    def _is_aside(self, standing: Standing, origin: str, leaf: bytes | None) -> bool:
        return standing.is_aside(self.reading, self.number, origin, leaf)

    def wait_left_s(self, origin: str, call: PlanCall, standing: Standing, now_s: float) -> float:
        """How long this node still waits for a participant, in seconds; the whole wait while a plan is held."""
        place = self.reading, self.number
        if standing.is_aside(self.reading, self.number, origin, None) and not standing.is_held:
            return 0.0
        wait_ms: float = call.cards_wait_ms if self.number == CARDS_ROUND else call.answers_wait_ms
        wait_ms = self.patience_ms.get(origin, wait_ms)
        if origin in self.silent_before:
            wait_ms = min(wait_ms, SILENT_WAIT_MS)
        wait_ms = max(wait_ms, standing.waits_ms.get(place, 0))
        if standing.is_held:
            return wait_ms / 1000
        return 0.0 if place in standing.ended else self.opened_s + wait_ms / 1000 - now_s
