"""Every kind of record there is, in one table: what it says, whose area it is, and what it is about.

Invariant: unknown kinds are kept and mirrored; only kinds of this table are ever read.
Spec: docs/spec/records.md
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec

from protocol.core.founding import Founding
from protocol.federation.grants import KeyGrant


@dataclass(frozen=True)
class Kind:
    """One kind of record; `subject` gives the bytes that the index finds it by, at most 64 of them."""

    area: str
    body: type[msgspec.Struct]
    subject: Callable[[Any], bytes]
    doc: str


def _nothing(_: object) -> bytes:
    return b""


KINDS: dict[str, Kind] = {
    "log.founding": Kind("log", Founding, _nothing, "The first entry: the co-op's name, its keys, its recovery key."),
    "key.grant": Kind("log", KeyGrant, lambda body: body.role.encode(), "A key gets a role, or loses it."),
}
