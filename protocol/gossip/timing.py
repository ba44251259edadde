"""When a session acts of itself: batches, signs of life, patience, each a time on the clock it is handed.

Invariant: one timer; it goes off no later than the earliest of these times.
Spec: docs/spec/gossip/session.md
"""

from dataclasses import dataclass

from protocol.gossip import limits


@dataclass(slots=True)
class Timing:
    """The times of one session in milliseconds; None where nothing is due."""

    opened_ms: int = 0
    heard_ms: int = 0
    sent_ms: int = 0
    progress_ms: int = 0
    flush_ms: int | None = None
    graft_ms: int | None = None
    counter_ms: int | None = None
    save_ms: int | None = None
    armed_ms: int | None = None

    def open(self, now_ms: int) -> None:
        """The transport stands."""
        self.opened_ms = self.heard_ms = self.sent_ms = self.progress_ms = now_ms

    def note_flush(self, now_ms: int, is_due: bool) -> None:
        """Heads wait to be announced, or none does."""
        self.flush_ms = _keep_or_set(self.flush_ms, now_ms + limits.ANNOUNCE_DELAY_MS, is_due)

    def note_graft(self, now_ms: int, is_due: bool) -> None:
        """Logs wait for their parents to bring what this peer told of, or none does."""
        self.graft_ms = _keep_or_set(self.graft_ms, now_ms + limits.GRAFT_DELAY_MS, is_due)

    def note_counter(self, now_ms: int, is_due: bool) -> None:
        """The peer does not know our newest change number, or does."""
        self.counter_ms = _keep_or_set(self.counter_ms, now_ms + limits.CURSOR_SAVE_DELAY_MS, is_due)

    def note_save(self, now_ms: int, is_due: bool) -> None:
        """The peer's cursor has moved and nothing before it is missing, or not."""
        self.save_ms = _keep_or_set(self.save_ms, now_ms + limits.CURSOR_SAVE_DELAY_MS, is_due)

    def is_flush_due(self, now_ms: int) -> bool:
        """Whether the batch of heads has waited long enough."""
        return self.flush_ms is not None and now_ms >= self.flush_ms

    def is_graft_due(self, now_ms: int) -> bool:
        """Whether the logs that wait for their parents should be looked at."""
        if self.graft_ms is None or now_ms < self.graft_ms:
            return False
        self.graft_ms = None
        return True

    def is_ping_due(self, now_ms: int, is_counter_due: bool) -> bool:
        """Whether the peer should hear from us, or hear our counter."""
        is_quiet = now_ms >= self.sent_ms + limits.PING_AFTER_MS
        return is_quiet or (is_counter_due and self.counter_ms is not None and now_ms >= self.counter_ms)

    def is_save_due(self, now_ms: int) -> bool:
        """Whether the cursor should be written down."""
        return self.save_ms is not None and now_ms >= self.save_ms

    def find_late(self, now_ms: int, is_greeting: bool, waits_for_peer: bool) -> str:
        """Why patience has ended, empty while it has not."""
        if is_greeting:
            return "no hello in time" if now_ms >= self.opened_ms + limits.GREETING_WAIT_MS else ""
        if now_ms >= self.heard_ms + limits.SILENCE_MAX_MS:
            return "silent for too long"
        if waits_for_peer and now_ms >= self.progress_ms + limits.STALL_MAX_MS:
            return "what was asked for did not come"
        return ""

    def next_due(self, is_greeting: bool, waits_for_peer: bool) -> int | None:
        """When the timer must go off; None when the one that is set goes off early enough."""
        if is_greeting:
            at_ms = self.opened_ms + limits.GREETING_WAIT_MS
        else:
            times = [self.heard_ms + limits.SILENCE_MAX_MS, self.sent_ms + limits.PING_AFTER_MS]
            times += [due for due in (self.flush_ms, self.graft_ms, self.counter_ms, self.save_ms) if due is not None]
            if waits_for_peer:
                times.append(self.progress_ms + limits.STALL_MAX_MS)
            at_ms = min(times)
        if self.armed_ms is not None and self.armed_ms <= at_ms:
            return None
        self.armed_ms = at_ms
        return at_ms


def _keep_or_set(present: int | None, at_ms: int, is_due: bool) -> int | None:
    if not is_due:
        return None
    return at_ms if present is None else present
