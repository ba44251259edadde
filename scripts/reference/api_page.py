"""docs/guides/api.md: the operations of a node and the addresses it answers, from their two tables."""

from typing import get_type_hints

import msgspec.inspect as shapes

from node.operations import load_operations
from node.web.routes import ROUTES
from node.web.showing import list_routes
from scripts.reference.shapes import (
    Struct,
    format_fields,
    format_type,
    opening_words,
    shape_of,
    structs_of,
    structs_within,
)

HEADING = (
    "# API and addresses of a node\n\n"
    "Written by `scripts/export.py` from the tables of operations and routes; do not edit by hand.\n\n"
    "`POST /api/v1/<operation>` with a JSON object of the parameters below and `Authorization: Bearer <token>`. "
    "Address and token of a running node stand in `run.json` in its home, readable by its owner only. Commands do "
    "the same. An error is a problem object (RFC 9457) with a list of findings: place and reason.\n"
)


def format_api_page() -> str:
    """The page: addresses, then operations with their parameters."""
    operations = load_operations()
    lines = [HEADING, "## Addresses", "", "| method | path | what stands there |", "|---|---|---|"]
    lines.extend(f"| {route.method} | `{route.path}` | {route.doc} |" for route in list_routes(ROUTES))
    pages = [(one.page.path, one.doc) for one in operations.values() if one.page is not None]
    lines.extend(f"| GET | `{path}` | {doc} |" for path, doc in pages)
    lines.extend(["", "## Operations"])
    parts: dict[str, Struct] = {}
    for name, operation in sorted(operations.items()):
        params = shape_of(operation.params)
        effect = "changes something" if operation.writes else "reads only"
        typed = f", `rochdale {operation.command.words}`" if operation.command else ""
        lines.extend(["", f"### `{name}`", "", f"{operation.doc} *({effect}{typed})*", "", *format_fields(params)])
        answer = shapes.type_info(get_type_hints(operation.run)["return"])
        lines.extend(["", f"Gives {format_type(answer)}."])
        for part in (*structs_within(params), *structs_of(answer)):
            known = parts.setdefault(part.cls.__name__, part)
            assert known.cls is part.cls, f"two structs of the API are called {part.cls.__name__}"
    lines.extend(["", "## What parameters and answers are made of"])
    for name, part in sorted(parts.items()):
        lines.extend(["", f"### {name}", "", opening_words(part.cls.__doc__), "", *format_fields(part)])
    return "\n".join(lines) + "\n"
