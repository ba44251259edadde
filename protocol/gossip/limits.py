"""How much a peer may ask of us, send us or keep us waiting: every bound of a session in one place.

Invariant: memory that a peer can make us hold is bounded by these numbers, whatever it sends.
Spec: docs/spec/gossip/session.md
"""

from typing import Final

from protocol.core.quantities import divide_up

PROTOCOL_VERSION: Final = 1

# Frames. A bundle of 256 entries of 16,384 bytes does not fit one frame, so it travels in parts.
FRAME_BYTES_MAX: Final = 256 * 1024
ROOT_MARK_BYTES: Final = 16
COSIGNERS_MARK_BYTES: Final = 4
EPOCH_BYTES: Final = 16
NOTE_BYTES_MAX: Final = 48 * 1024
PUSH_ENTRIES_MAX: Final = 256
BUNDLE_BYTES_MAX: Final = 256 * (2 + 16_384)
PART_BYTES: Final = 240 * 1024
BUNDLE_PARTS_MAX: Final = divide_up(BUNDLE_BYTES_MAX, PART_BYTES)
ROOTS_PER_FRAME: Final = 6_144
COSIGNATURE_LINE_BYTES_MAX: Final = 4 * 1024
PROOF_BYTES_MAX: Final = 9 + 127 * 32
REASON_LENGTH_MAX: Final = 200
ASK_ORIGINS_MAX: Final = 48
OPENINGS_WANTED_MAX: Final = 256
FILE_BYTES_MAX: Final = 4 * 1024 * 1024
HOPS_MAX: Final = 255

AFTER_END: Final = b"\x01"
"""In the place of a fork's proof: this head was signed after its log had ended."""

# Transfers. 131,072 roots are 4 MiB and 33 million records: what a node can fall behind in one transfer.
TRANSFER_BUNDLES_MAX: Final = 131_072
TRANSFERS_MAX: Final = 8
FETCH_BUNDLES: Final = 16
BUNDLES_AHEAD_MAX: Final = 32
COMMIT_BUNDLES: Final = 16
COMMIT_BYTES: Final = 2 * 1024 * 1024
UNVERIFIED_BYTES_MAX: Final = 4 * 1024 * 1024

# What one session keeps in mind.
COSIGNATURES_HELD_MAX: Final = 256
COSIGNERS_NOTED_MAX: Final = 4_096
"""Of the logs whose cosignatures were asked for and have not all come: whose did."""
FILES_MAX: Final = 4
FILES_WAITING_MAX: Final = 64
FORKS_TOLD_MAX: Final = 256

# Waits in milliseconds of the session's own clock.
ANNOUNCE_DELAY_MS: Final = 30
GRAFT_DELAY_MS: Final = 100
CURSOR_SAVE_DELAY_MS: Final = 2_000
GREETING_WAIT_MS: Final = 10_000
PING_AFTER_MS: Final = 15_000
SILENCE_MAX_MS: Final = 45_000
STALL_MAX_MS: Final = 30_000
CLOSING_WAIT_MS: Final = 2_000
