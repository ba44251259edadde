"""Every kind of record has vectors: bodies that parse and encode to the same bytes, and changes that are refused."""

import inspect
import sys
import typing
from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any

import msgspec
import pytest

from protocol.core.encoding import decode, encode, to_struct, to_value
from protocol.core.errors import Finding, RefusedError
from protocol.core.record import format_record, leaf_hash_of, parse_record
from protocol.record_kinds import KINDS
from tests.protocol.core.values import VECTORS, load_vectors

Audit = Callable[[Any], list[Finding]]
RECORDS = list(chain(*(load_vectors(f"kinds/{path.name}")["records"] for path in (VECTORS / "kinds").glob("*.json"))))
REFUSED = [
    pytest.param(record, refused, id=f"{record['kind']} in {record['page']}: {', '.join(refused['change'])}")
    for record in RECORDS
    for refused in record["refused"]
]


def test_every_kind_is_shown_and_every_one_shown_is_a_kind() -> None:
    assert {record["kind"] for record in RECORDS} == KINDS.keys()


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: f"{record['kind']} in {record['page']}")
def test_a_record_says_again_what_its_bytes_say(record: dict[str, Any]) -> None:
    parsed = parse_record(record["entry"])
    body = to_struct(parsed.body, KINDS[record["kind"]].body)
    assert (parsed.kind, encode(to_value(body))) == (record["kind"], encode(record["body"]))
    assert format_record(parsed) == record["entry"]
    assert leaf_hash_of(record["entry"]) == record["leaf"]
    assert list_findings(body) == []


@pytest.mark.parametrize(("record", "refused"), REFUSED)
def test_a_changed_body_is_refused_at_its_place(record: dict[str, Any], refused: dict[str, Any]) -> None:
    changed = change_body(record["body"], refused["change"])
    assert refused["at"] in {finding.place for finding in find_faults(record["kind"], changed)}


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: f"{record['kind']} in {record['page']}")
def test_a_body_has_no_field_more_or_less(record: dict[str, Any]) -> None:
    kind, body = record["kind"], record["body"]
    needed = [field.name for field in msgspec.structs.fields(KINDS[kind].body) if field.required]
    changed = [{**body, "more": 1}, *({name: body[name] for name in body if name != less} for less in needed)]
    assert [[finding.place for finding in find_faults(kind, one)] for one in changed] == [["body"]] * len(changed)


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: f"{record['kind']} in {record['page']}")
def test_what_is_not_written_by_default_says_nothing_where_it_is_written(record: dict[str, Any]) -> None:
    kind = KINDS[record["kind"]].body
    defaults = {
        field.name: field.default for field in msgspec.structs.fields(kind) if field.default is not msgspec.NODEFAULT
    }
    written = to_struct(decode(encode({**defaults, **record["body"]})), kind)
    assert encode(to_value(written)) == encode(record["body"])


def test_a_rule_is_asked_beside_the_types() -> None:
    body = next(record["body"] for record in RECORDS if record["kind"] == "plan.notice")
    assert find_faults("plan.notice", {**body, "reading": None}) == [Finding("reading", "extend needs it")]


def change_body(body: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    """The body with other values at these places, `lines.0.amount` being one within a list."""
    changed = decode(encode(body))
    for path, value in change.items():
        *way, last = (int(part) if part.isdigit() else part for part in path.split("."))
        place = changed
        for part in way:
            place = place[part]
        place[last] = value
    return dict(changed)


def find_faults(kind: str, body: dict[str, Any]) -> list[Finding]:
    """What is wrong with a body: its fields and types, else by the rule of its own module."""
    try:
        return list_findings(to_struct(decode(encode(body)), KINDS[kind].body))
    except RefusedError as error:
        return list(error.findings)


def list_findings(struct: msgspec.Struct) -> list[Finding]:
    """What the rules say of a body, and of the structs in its fields, each read by itself."""
    inner = (getattr(struct, name) for name in struct.__struct_fields__)
    parts = [struct, *(value for value in inner if isinstance(value, msgspec.Struct))]
    return [finding for part in parts for audit in list_rules(type(part)) for finding in audit(part)]


def list_rules(body: type[msgspec.Struct]) -> Iterator[Audit]:
    """The `audit_` functions beside a struct that need nothing but it."""
    for name, found in inspect.getmembers(sys.modules[body.__module__], inspect.isfunction):
        hints = typing.get_type_hints(found)
        hints.pop("return", None)
        if (
            name.lstrip("_").startswith("audit_")
            and found.__module__ == body.__module__
            and list(hints.values()) == [body]
        ):
            yield found
