"""The vectors of every kind of record: the bodies that the spec pages show, and what is refused of them.

Invariant: what a page shows is the only source; a block ```json KIND is a body, a block ```refused KIND has a line for
each change of the body before it and the place at which the changed one is refused.
"""

import json
import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

from protocol.core.encoding import to_struct
from protocol.core.record import Record, format_record, leaf_hash_of
from protocol.record_kinds import KINDS
from scripts.vectors.made_up import AT_MS, HEX, LOG_ID
from scripts.vectors.pages import SPEC, open_bytes, read_json

BLOCK = re.compile(r"^```(json|refused) ([a-z]+\.[a-z_]+)\n(.*?)^```", re.DOTALL | re.MULTILINE)


class Shown(NamedTuple):
    """A body that a page shows, and its refused changes: (change, place)."""

    kind: str
    page: str
    body: dict[str, Any]
    refused: list[tuple[dict[str, Any], str]]


def _list_shown() -> Iterator[Shown]:
    """What all pages show, page by page and in their order."""
    for path in sorted(SPEC.rglob("*.md"), key=lambda found: found.name):
        shown: Shown | None = None
        for block in BLOCK.finditer(path.read_text(encoding="utf-8")):
            language, kind, text = block.groups()
            if language == "json":
                if shown:
                    yield shown
                shown = Shown(kind, path.name, read_json(text), [])
            else:
                assert shown and shown.kind == kind, f"{path.name}: refused {kind} without a body before it"
                shown.refused.extend(_read_change(line) for line in text.splitlines())
        if shown:
            yield shown


def export_kinds(area: str) -> dict[str, Any]:
    """The records of one area."""
    return {
        "about": f"Records as the pages of docs/spec show them. A change (place in the body: other value) is refused "
        "at `at`, as is every body with a field more or less; `body` before the place: by its type, else by a rule. "
        f"{HEX} All of it is made up.",
        "records": [_describe(shown) for shown in _list_shown() if KINDS[shown.kind].area == area],
    }


def _describe(shown: Shown) -> dict[str, Any]:
    to_struct(shown.body, KINDS[shown.kind].body)
    entry = format_record(Record(kind=shown.kind, seq=7, at=AT_MS, by=LOG_ID, body=shown.body))
    return {
        "kind": shown.kind,
        "page": shown.page,
        "body": shown.body,
        "entry": entry,
        "leaf": leaf_hash_of(entry),
        "refused": [{"change": change, "at": place} for change, place in shown.refused],
    }


def _read_change(line: str) -> tuple[dict[str, Any], str]:
    change, end = json.JSONDecoder(object_hook=open_bytes).raw_decode(line)
    return change, line[end:].strip()


FILES: dict[str, Callable[[], Any]] = {
    f"kinds/{area}.json": partial(export_kinds, area) for area in sorted({kind.area for kind in KINDS.values()})
}
