"""What the spec pages show, as values: a page is the source of what stands on it, and vectors are made of that."""

import json
import re
from pathlib import Path
from typing import Any, Final

SPEC: Final = Path(__file__).resolve().parents[2] / "docs" / "spec"
JSON_BLOCK: Final = re.compile(r"^```json\n(.*?)^```", re.DOTALL | re.MULTILINE)
LINE_NUMBER: Final = re.compile(r"^ ?\d+  ", re.MULTILINE)


def list_json(page: str) -> list[Any]:
    """The values of a page's JSON blocks that are no records, in order."""
    (path,) = SPEC.rglob(page)
    return [read_json(text) for text in JSON_BLOCK.findall(path.read_text(encoding="utf-8"))]


def read_json(text: str) -> Any:
    """A block's value; its lines may be numbered."""
    return json.loads(LINE_NUMBER.sub("", text), object_hook=open_bytes)


def open_bytes(value: dict[str, Any]) -> Any:
    """A page says bytes as {"hex": …}, and what is repeated as {"hex": …, "times": …}."""
    if value.keys() <= {"hex", "times"} and "hex" in value:
        return bytes.fromhex(value["hex"]) * value.get("times", 1)
    return value
