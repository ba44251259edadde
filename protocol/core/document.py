"""A document that stands on its own: canonical JSON, so that equal contents have equal bytes and equal digests.

Invariant: sorted keys, no spaces, integers and text as the type has them; any other form is refused.
Spec: docs/spec/planning/plan.md
"""

from typing import Protocol, TypeVar

import msgspec

from protocol.core.errors import RefusedError


class Document(Protocol):
    """What says by its first field which format it has."""

    @property
    def format(self) -> str:
        """The name and version of the format."""


Kind = TypeVar("Kind", bound=Document)


def format_document(document: Document) -> bytes:
    """The canonical bytes."""
    return msgspec.json.encode(document, order="sorted")


def parse_document(encoded: bytes, kind: type[Kind], format_name: str, place: str, bytes_max: int) -> Kind:
    """The document in these bytes; RefusedError, naming `place`, unless they are one of this format, canonical."""
    if len(encoded) > bytes_max:
        raise RefusedError.at(place, f"longer than {bytes_max} bytes")
    try:
        document = msgspec.json.decode(encoded, type=kind, strict=True)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise RefusedError.at(place, f"is no such document: {error}") from None
    if document.format != format_name:
        raise RefusedError.at(f"{place}.format", f"expected {format_name!r}")
    if format_document(document) != encoded:
        raise RefusedError.at(place, "is not in canonical form (sorted keys, no spaces)")
    return document
