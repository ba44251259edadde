"""Records and frames that the pages show in short have the fields that the code gives them, no more and no fewer."""

from typing import Any

import msgspec
import msgspec.inspect as shapes
import pytest

from protocol.gossip import messages
from protocol.record_kinds import KINDS
from tests.spec_pages.examples import FRAME, LEFT_OUT, Example, cut_braces, list_examples, list_pages, parse_example

READ_OTHERWISE = {"nested-plans.md", "plan-records.md"}
"""Pages that show records in a notation of their own, each read by a test of its own."""
RECORD_PAGES = [page for page in list_pages() if page not in READ_OTHERWISE and any(list_examples(page))]
FRAME_PAGES = ["branch-point.md", "membership.md", "session.md"]
FRAMES = {
    "".join(f"_{letter}" if letter.isupper() else letter for letter in name).upper().lstrip("_"): frame
    for name, frame in vars(messages).items()
    if isinstance(frame, type) and issubclass(frame, messages.Message) and frame is not messages.Message
}


@pytest.mark.parametrize("page", RECORD_PAGES)
def test_the_records_of_a_page_are_those_of_the_table(page: str) -> None:
    for example in list_examples(page):
        assert audit_example(example, KINDS[example.kind].body) == [], page


@pytest.mark.parametrize("page", FRAME_PAGES)
def test_the_frames_of_a_page_are_those_of_the_session(page: str) -> None:
    examples = list(list_examples(page, FRAME))
    assert examples
    for example in examples:
        assert audit_example(example, FRAMES[example.kind]) == [], page


BREACHES = [
    ("a field that is not there", "plan.objection", '{call: c4…, notice: 7a…, reason: "so", until: 3}', "until"),
    ("a field too few", "plan.objection", "{call: c4…, notice: 7a…}", "reason"),
    ("a word that no notice has", "plan.notice", "{act: postpone, …}", "act: postpone"),
    ("a number that is none", "plan.notice", "{round: soon, …}", "round: soon"),
    ("a field deep inside", "federation.founding", "{charter: {title: ours, …}, …}", "charter.title"),
]


@pytest.mark.parametrize(("kind", "text", "found"), [row[1:] for row in BREACHES], ids=[row[0] for row in BREACHES])
def test_it_is_found(kind: str, text: str, found: str) -> None:
    assert audit_example(parse_example(kind, text), KINDS[kind].body) == [found]


def audit_example(example: Example, body: type[msgspec.Struct]) -> list[str]:
    """What an example says that the body does not have, what it leaves out without saying so, and odd values."""
    fields = {field.encode_name: field for field in msgspec.structs.fields(body)}
    wanting = [name for name, field in fields.items() if field.required and name not in example.fields]
    found = [name for name in example.fields if name not in fields] + (wanting if example.is_whole else [])
    for name, said in example.fields.items():
        if name in fields:
            found += audit_value(name, said, shapes.type_info(fields[name].type))
    return found


def audit_value(name: str, said: str, shape: shapes.Type) -> list[str]:
    """Places within one field's text that its type does not allow."""
    choices: tuple[Any, ...] = shape.types if isinstance(shape, shapes.UnionType) else (shape,)
    struct = next((one for one in choices if isinstance(one, shapes.StructType)), None)
    if said.startswith("{") and struct is not None:
        return [f"{name}.{place}" for place in audit_example(parse_example(name, cut_braces(said)), struct.cls)]
    if not said or LEFT_OUT in said:
        return []
    if any(isinstance(one, shapes.IntType) for one in choices) and not said.lstrip("-−").isdigit() and said != "nil":
        return [f"{name}: {said}"]
    words = [word for one in choices if isinstance(one, shapes.LiteralType) for word in one.values]
    return [f"{name}: {said}"] if words and said.strip('"') not in words else []
