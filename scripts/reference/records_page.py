"""docs/spec/records.md: every kind of record, from protocol/record_kinds.py."""

from protocol.record_kinds import KINDS
from scripts.reference.shapes import Struct, format_fields, opening_words, shape_of, structs_within

HEADING = (
    "# Kinds of records\n\n"
    "Written by `scripts/export.py` from `protocol/record_kinds.py`; do not edit by hand.\n\n"
    "Each is the `body` of a [record](core/record.md): a map with exactly these fields, in canonical "
    "[encoding](core/encoding.md). A field that is missing, superfluous or of another type makes the record void. "
    "Kinds that a node does not know are kept, mirrored and shown as unknown.\n\n"
    "Each is shown whole on the page of its rule, in a block `json KIND` that is JSON but for bytes: "
    '`{"hex": "c4", "times": 32}` is the byte c4, 32 times. The block `refused KIND` after it has a line for each '
    "change, the place and another value, and where the changed body is refused; with `body` before the place by the "
    "types below, else by the rule of the page. A field with a default is left out where it says that; where it is "
    "written all the same it is read alike, and what is hashed of the body (a charter, a card) is hashed without it. "
    "Their bytes and leaf hashes are in `tests/vectors/kinds/`, "
    "written by `python -m scripts.export`.\n"
)


def format_records_page() -> str:
    """The page: a table of kinds, the fields of each, then the structs they are made of."""
    lines = [HEADING, "| kind | area | what it says |", "|---|---|---|"]
    lines.extend(f"| [`{name}`](#{_anchor(name)}) | {kind.area} | {kind.doc} |" for name, kind in sorted(KINDS.items()))
    parts: dict[str, Struct] = {}
    for name, kind in sorted(KINDS.items()):
        body = shape_of(kind.body)
        lines.extend(["", f"## `{name}`", "", opening_words(kind.body.__doc__) or kind.doc, "", *format_fields(body)])
        parts.update({part.cls.__name__: part for part in structs_within(body)})
    if parts:
        lines.extend(["", "# What they are made of"])
    for name, part in sorted(parts.items()):
        lines.extend(["", f"## {name}", "", opening_words(part.cls.__doc__), "", *format_fields(part)])
    return "\n".join(lines) + "\n"


def _anchor(kind: str) -> str:
    return kind.replace(".", "")
