"""Reads the examples of the spec pages: blocks, and records in the pages' short form, `kind {field: value, …}`."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

SPEC = Path(__file__).resolve().parents[2] / "docs" / "spec"
LEFT_OUT = "…"
RECORD = re.compile(r"\b([a-z]+\.[a-z_]+) *\{")
FRAME = re.compile(r"\b([A-Z]+(?:_[A-Z]+)*) *\{")
BLOCK = re.compile(r"^```(\w*)(?: [a-z_.]+)?\n(.*?)^```", re.DOTALL | re.MULTILINE)


class Example(NamedTuple):
    """What a page shows of a record or frame: its kind, and its fields as text; `is_whole` where none is left out."""

    kind: str
    fields: dict[str, str]
    is_whole: bool


def list_pages() -> list[str]:
    """The names of all spec pages, without their folders."""
    return sorted(path.name for path in SPEC.rglob("*.md") if path.name != "README.md")


def read_page(page: str) -> str:
    """The text of one."""
    (path,) = SPEC.rglob(page)
    return path.read_text(encoding="utf-8")


def list_blocks(page: str, language: str = "") -> list[str]:
    """The blocks of a page in one language, in order."""
    return [text for found, text in BLOCK.findall(read_page(page)) if found == language]


def list_json(page: str) -> Any:
    """The numbered JSON block at the head of a page."""
    return msgspec.json.decode(re.sub(r"^ ?\d+  ", "", list_blocks(page, "json")[0], flags=re.MULTILINE))


def list_examples(page: str, opening: re.Pattern[str] = RECORD) -> Iterator[Example]:
    """The records, or frames, that the unnamed blocks of a page show."""
    for block in list_blocks(page):
        for found in opening.finditer(block):
            yield parse_example(found.group(1), cut_braces(block[found.end() - 1 :]))


def parse_example(kind: str, text: str) -> Example:
    """`text` from its first brace to its last."""
    parts = [part for part in split_commas(text[1:-1]) if part]
    named = (part.partition(": ") for part in parts if part != LEFT_OUT)
    return Example(kind, {name: said for name, _, said in named}, LEFT_OUT not in parts)


def cut_braces(text: str) -> str:
    """From the brace that `text` begins with to the one that closes it."""
    depth = 0
    for place, letter in enumerate(text):
        depth += (letter in "{[") - (letter in "}]")
        if not depth:
            return text[: place + 1]
    raise ValueError(f"no end of {text[:40]}")


def split_commas(text: str) -> list[str]:
    """The parts between commas that are in no bracket and no quotation."""
    parts, depth, is_quoted = [""], 0, False
    for letter in text:
        is_quoted ^= letter == '"'
        depth += 0 if is_quoted else (letter in "{[") - (letter in "}]")
        if letter == "," and not depth and not is_quoted:
            parts.append("")
        else:
            parts[-1] += letter
    return [re.sub(r"\s+", " ", part).strip() for part in parts]
