"""How many neighbours a node keeps, how often it speaks of others, and how long it lets one rest that did not answer.

Invariant: views, walks and shuffles are bounded by these numbers, whatever neighbours say.
Spec: docs/spec/gossip/membership.md
"""

from typing import Final

MESH_MEMBERS_MAX: Final = 16
"""With so many other members or fewer, everyone keeps a session with everyone: few links more, one hop less."""
ACTIVE_WANTED: Final = 5
ACTIVE_MAX: Final = 8
ALONE_BELOW: Final = 2
"""Whoever has fewer neighbours than this may ask a full node to make room: one link is no safety."""
PASSIVE_MAX: Final = 30

# A newcomer's walk: so many links, and a member that it passes in the middle keeps the name.
WALK_LINKS: Final = 6
PASSIVE_AT_LINKS: Final = 3
JOIN_AGAIN_MS: Final = 60_000

SHUFFLE_EVERY_MS: Final = 60_000
SHUFFLE_ACTIVE: Final = 3
SHUFFLE_ORIGINS_MAX: Final = 8

CALL_WAIT_MS: Final = 15_000
REST_MS: Final = 30_000
REST_MAX_MS: Final = 600_000
REST_ALONE_MS: Final = 5_000
ROOM_REASON: Final = "makes room for another"
