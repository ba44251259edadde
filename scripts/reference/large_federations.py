"""What three million co-ops in three levels cost one node a day, worked out: the table of docs/large-federations.md.

    .venv/bin/python -m scripts.reference.large_federations

Invariant: every figure that is measured stands here by name, with where it was measured; all else is arithmetic.
"""

from typing import Final, NamedTuple

# Assumed.
MEMBERS: Final = 145
"""Members of a federation on each level: 145 × 145 × 145 = 3,048,625 co-ops."""
LEVELS: Final = 3
RECORDS_A_DAY: Final = 200
HEADS_A_DAY: Final = 100
WITNESSES: Final = 5
ENTRY_BYTES: Final = 400

# Measured: `scripts/bench overlay`, 1,000 nodes, seed 1 (docs/benchmarks.md).
NOTE_BYTES: Final = 181
PUSH_OVERHEAD_BYTES: Final = 11
LAZY_BYTES: Final = 219
CONTROL_BYTES: Final = 9
COSIGNATURE_BYTES: Final = 835
IDLE_BYTES_A_MINUTE: Final = 707
SESSIONS: Final = (5, 8)

# Measured: `scripts/bench log` and the limits of libsodium on one core (docs/benchmarks.md).
DISK_TIMES: Final = 211 / 200
INDEX_BYTES: Final = 287
COSIGNATURE_ROW_BYTES: Final = 200
VERIFIES_A_S: Final = 18_000

MINUTES_A_DAY: Final = 24 * 60
SECONDS_A_DAY: Final = MINUTES_A_DAY * 60
DAYS_A_YEAR: Final = 365
MEGA: Final = 1_000_000


class Cost(NamedTuple):
    """What a node pays that carries the logs of so many others."""

    logs: int
    entries_bytes: float
    heads_bytes: float
    lazy_bytes: float
    cosignature_bytes: float
    idle_bytes: float
    signatures: int
    disk_bytes_a_year: float
    sessions_most: int

    @property
    def bytes_a_day(self) -> float:
        """All that is received; as much is sent on average, since what one receives another sends."""
        return self.entries_bytes + self.heads_bytes + self.lazy_bytes + self.cosignature_bytes + self.idle_bytes


def work_out(levels: int) -> Cost:
    """The cost of a node that belongs to one federation on each of so many levels."""
    logs = levels * (MEMBERS - 1)
    heads, records = logs * HEADS_A_DAY, logs * RECORDS_A_DAY
    disk = records * (ENTRY_BYTES * DISK_TIMES + INDEX_BYTES) + logs * WITNESSES * COSIGNATURE_ROW_BYTES / DAYS_A_YEAR
    return Cost(
        logs=logs,
        entries_bytes=records * ENTRY_BYTES,
        heads_bytes=heads * (NOTE_BYTES + PUSH_OVERHEAD_BYTES),
        lazy_bytes=heads * (LAZY_BYTES + CONTROL_BYTES),
        cosignature_bytes=heads * WITNESSES * COSIGNATURE_BYTES,
        idle_bytes=levels * IDLE_BYTES_A_MINUTE * MINUTES_A_DAY,
        signatures=heads * (1 + WITNESSES),
        disk_bytes_a_year=disk * DAYS_A_YEAR,
        sessions_most=levels * SESSIONS[1],
    )


def list_rows() -> list[str]:
    """The table, one Markdown row a line: a co-op, and one that also speaks for its federation on all levels."""
    few, many = work_out(1), work_out(LEVELS)
    columns = [few, many]
    rows = [
        ("logs carried", [f"{one.logs:,}" for one in columns]),
        ("entries", [_mega(one.entries_bytes) for one in columns]),
        ("heads, with the frame", [_mega(one.heads_bytes) for one in columns]),
        ("told lazily, and control", [_mega(one.lazy_bytes) for one in columns]),
        ("cosignatures", [_mega(one.cosignature_bytes) for one in columns]),
        ("signs of life, shuffles", [_mega(one.idle_bytes) for one in columns]),
        ("**received in a day**", [f"**{_mega(one.bytes_a_day)}**" for one in columns]),
        ("on average", [f"{one.bytes_a_day * 8 / SECONDS_A_DAY / 1_000:,.1f} kbit/s" for one in columns]),
        ("signatures checked in a day", [f"{one.signatures:,}" for one in columns]),
        ("time for them, one core", [f"{one.signatures / VERIFIES_A_S:,.1f} s" for one in columns]),
        ("disk in a year, index included", [f"{one.disk_bytes_a_year / 1e9:,.1f} GB" for one in columns]),
        ("sessions, at most", [f"{one.sessions_most}" for one in columns]),
    ]
    return [f"| {name} | {' | '.join(values)} |" for name, values in rows]


def _mega(count: float) -> str:
    return f"{count / MEGA:,.1f} MB"


def main() -> None:
    """Print the table."""
    print("\n".join(list_rows()))


if __name__ == "__main__":
    main()
