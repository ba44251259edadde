"""What is asked at a desk and is in no file is asked of the home, in parameters that its operation takes."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from node.clock import Clock
from node.operations import list_verbs, load_operation
from node.use_cases.context import Desk, DeskOperation
from protocol.planning.batches.candidate import make_candidate
from protocol.planning.plan import format_plan
from tests.protocol.planning.batches.test_batches import levels, lumpy_village
from tests.protocol.planning.economies import finished_plan, load

CALL = "ab" * 32


class AskedError(Exception):
    """The home was asked this."""


def desk() -> Desk:
    """One whose home answers no more than what it was asked."""

    def answer(name: str, params: dict[str, Any]) -> Any:
        raise AskedError(
            name, msgspec.convert(msgspec.json.decode(msgspec.json.encode(params)), load_operation(name).params)
        )

    def read(name: str, bytes_max: int) -> bytes:
        raise AssertionError(f"{name} was not named")

    return Desk(Path("no home"), Clock(), answer, read, lambda things: lambda done, of: None)


def asked(verb: str, **params: Any) -> tuple[str, Any]:
    """The operation that this verb asks for when it is typed with these parameters, and with what."""
    found = next(one for one in list_verbs() if isinstance(one, DeskOperation) and one.name == verb)
    with pytest.raises(AskedError) as told:
        found.run(desk(), found.params(**params))
    name, sent = told.value.args
    return name, sent


def test_a_desk_asks_the_home_for_what_no_file_says() -> None:
    draft = finished_plan(*load(lumpy_village()))
    candidate = make_candidate(draft, levels(3, 5))
    name, params = asked("plan.schedule", card="oven", call=CALL, places={"oven": ("1.5", 2.0)})
    assert (name, params.card, params.call, params.places) == ("plan.schedule", "oven", CALL, {"oven": ("1.5", 2.0)})
    till = {"till": b"bytes", "till_name": "june.csv", "council": "north"}
    name, params = asked("plan.what_if", floors={"milk": "4"}, beside=True, **till)
    assert name == "plan.what_if" and params.changes.floors == {"milk": "4"} and params.beside
    assert (params.till.name, params.till.content, params.till.council) == ("june.csv", b"bytes", "north")
    name, params = asked("plan.candidate", plan=format_plan(candidate), call=CALL)
    assert name == "plan.candidate" and params.call == CALL and params.draft == candidate.parameters["draft"]
    assert sorted(count for count in params.batches if count) == [3, 5]
    assert asked("plan.deliver", plan=format_plan(draft))[0] == "plan.places"
