"""The only reader of time and randomness; everything else is handed what it needs.

Invariant: no rule of `protocol/` and no use case reads a clock or a random source of its own.
"""

import secrets
import time


class Clock:
    """The machine's clock and random source, replaceable by a seeded one."""

    def now_ms(self) -> int:
        """Wall time in milliseconds since 1970: a claim, never a cut-off."""
        return time.time_ns() // 1_000_000

    def monotonic_s(self) -> float:
        """Seconds on a clock that only goes forward: for waits."""
        return time.monotonic()

    def pause(self, wait_s: float) -> None:
        """Stand still for so long: for those who drive other processes, never on an event loop."""
        time.sleep(wait_s)

    def random_bytes(self, count: int) -> bytes:
        """Bytes from the operating system's random source."""
        return secrets.token_bytes(count)
