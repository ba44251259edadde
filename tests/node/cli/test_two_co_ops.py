"""Two co-ops on two nodes, word for word as their volunteers type it: peers, a federation, a call for a plan."""

import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.node import running_node
from tests.node.cli.command_line import Run, Said, runner
from tests.node.running_node import RunningNode
from tests.protocol.federation.made_up_federation import make_charter

TABLE = {
    "goods": [
        {"id": "loaf", "unit": "C62", "start_price": "1.00"},
        {"id": "baking", "unit": "HUR", "kind": "labour", "start_price": "2.00", "endowment": "10"},
    ]
}


@pytest.fixture
def co_ops(tmp_path: Path, bare_process: None, capsys: pytest.CaptureFixture[str]) -> Iterator[tuple[Run, Run]]:
    """The command lines of a food co-op and a bakery, their nodes at work."""
    homes = (tmp_path / "northside", tmp_path / "oak")
    north, oak = (runner(capsys, home) for home in homes)
    assert (north("init", "--name", "Northside").code, oak("init", "--name", "Oak bakery").code) == (0, 0)
    with RunningNode(homes[0]), RunningNode(homes[1]):
        yield north, oak


def until(say: Callable[[], Said], is_so: Callable[[Said], bool]) -> Said:
    """What is said once it is so."""
    said: list[Said] = []

    def look() -> bool:
        said[:] = [say()]
        return is_so(said[0])

    running_node.until(look, "what was asked for")
    return said[0]


def write(path: Path, content: Any) -> Path:
    path.write_text(json.dumps(content), "utf-8")
    return path


def members(said: Said) -> dict[str, int]:
    """The roster that a node shows: people by member; empty while it has none."""
    return {one["name"]: one["people"] for one in said.json["members"]} if said.code == 0 else {}


def test_two_co_ops_meet_federate_call_a_plan_and_part(co_ops: tuple[Run, Run], tmp_path: Path) -> None:
    north, oak = co_ops
    cards = meet(north, oak)
    federate(north, oak, cards, tmp_path)
    call_a_plan(north, oak, tmp_path)
    part(north, oak)


def meet(north: Run, oak: Run) -> tuple[str, str]:
    """Cards go over, by mail or by file; each sees the other."""
    card, other = (run("peer", "card", "--json").answer["card"] for run in (north, oak))
    assert "Added Oak bakery" in north("peer", "add", other).out
    assert oak("peer", "add", f"  {card[:100]}\n{card[100:]} ").code == 0
    listed = until(lambda: oak("peer", "list", "--json"), lambda said: said.answer["peers"][0]["state"] == "connected")
    assert listed.answer["peers"][0]["name"] == "Northside"
    # The side that was greeted first says so first.
    until(lambda: north("status"), lambda said: "1 peer connected" in said.out)
    assert "connected" in north("peer", "list").out
    refused = north("peer", "add", card, "--json")
    assert refused.code == 1 and "this is the node's own card" in refused.json["error"]
    return card, other


def federate(north: Run, oak: Run, cards: tuple[str, str], folder: Path) -> None:
    """One founds, invites; the other joins by its own word; both see the same."""
    assert "no federation here" in north("federation", "roster").err
    charter = write(folder / "charter.json", msgspec.to_builtins(make_charter(required_sections=("ingredients",))))
    founded = north("federation", "create", "--charter", charter, "--people", 180)
    assert "Made-up region: version 1, 1 member, 180 people." in founded.out
    again = north("federation", "create", "--charter", charter, "--people", 180)
    assert again.code == 1 and again.err.startswith("federation: ")
    (folder / "card.txt").write_text(cards[1] + "\n")
    invitation = north("federation", "invite", folder / "card.txt", "--json").answer["invitation"]
    mistyped = oak("federation", "join", invitation[:-1], "--people", 12)
    assert mistyped.code == 1 and "invitation" in mistyped.err
    assert oak("federation", "join", invitation, "--kind", "producers", "--people", 12).code == 0
    both = {"Northside": 180, "Oak bakery": 12}
    for run in (north, oak):
        until(partial(run, "federation", "roster", "--json"), lambda said: members(said) == both)
    assert "version 2, 2 members, 192 people." in oak("federation", "roster").out
    assert "Your log now counts 14 people." in oak("federation", "people", 14).out
    until(lambda: north("federation", "roster", "--json"), lambda said: members(said) == both | {"Oak bakery": 14})


def call_a_plan(north: Run, oak: Run, folder: Path) -> None:
    """A call reaches the other; what cannot be planned or voted on yet is said."""
    assert "no such call is known here" in north("plan", "status").err
    bad = write(folder / "bad.json", {"goods": [{"id": "loaf", "unit": "LOAF"}]})
    words = ("plan", "call", "--scope", "made-up region", "--period", "2026-05")
    refused = north(*words, bad)
    assert refused.code == 1 and "goods.loaf.unit" in refused.err
    table = write(folder / "table.json", TABLE)
    called = north(*words, table, "--json").answer
    assert (called["goods"], called["members"]) == (2, 2)
    both = set(north_and_oak(north, oak))
    status = until(
        lambda: oak("plan", "status", "--json"), lambda said: said.code == 0 and set(said.json["waits_for"]) == both
    )
    assert status.answer["call"] == called["call"] and "called, reading 1, round 0." in oak("plan", "status").out
    refusals: dict[tuple[object, ...], str] = {
        ("plan", "check"): "plan: there is no draft yet",
        ("plan", "show", "--document", folder / "plan.json", "--json"): "plan: there is no draft to write yet",
        ("plan", "ratify", "--approve", "--yes", 9, "--no", 0): "plan: the readings are not over",
        ("plan", "propose", table): f"{table}: Object contains unknown field",
        ("plan", "status", "--call", "0" * 64): "call: no such call is known here",
    }
    unnamed = write(folder / "unnamed.json", {"workplaces": [{"label": "oven"}]})
    until(lambda: oak("plan", "preview", unnamed), lambda said: "has not arrived" not in said.err)
    refusals["plan", "propose", unnamed] = "workplaces[0].id: must be a name"
    for typed, reason in refusals.items():
        said = oak(*typed)
        shown = said.json["error"] if "--json" in typed else said.err
        assert said.code == 1 and shown.startswith(reason), typed
    let_a_call_end(north, folder)
    assert (
        oak("plan", "show", "--call", called["call"]).out.startswith("made-up region, 2026-05: ")
        and not (folder / "plan.json").exists()
    )


def let_a_call_end(north: Run, folder: Path) -> None:
    """A call for which nobody brings a card stops, and says so to whoever comes too late."""
    words = ("plan", "call", folder / "table.json", "--scope", "made-up region", "--period", "2026-06")
    ended = north(*words, "--cards-wait-ms", 100, "--json").answer["call"]
    until(lambda: north("plan", "status", "--call", ended, "--json"), lambda said: said.answer["state"] == "stopped")
    late = write(folder / "late.json", {"workplaces": []})
    assert north("plan", "propose", late, "--call", ended).err == "call: is over: nothing more goes out\n"


def north_and_oak(north: Run, oak: Run) -> tuple[str, str]:
    """The names of both logs."""
    return north("status", "--json").answer["origin"], oak("status", "--json").answer["origin"]


def part(north: Run, oak: Run) -> None:
    """One leaves by its own word; the other hangs up; what was signed stays."""
    assert oak("federation", "leave").code == 0
    until(lambda: north("federation", "roster", "--json"), lambda said: members(said) == {"Northside": 180})
    origin, other = north_and_oak(north, oak)
    records = north("status", "--json").answer["records"]
    assert f"Removed {other}." in north("peer", "remove", other).out
    assert north("peer", "list", "--json").answer["peers"] == []
    until(lambda: oak("peer", "list", "--json"), lambda said: said.answer["peers"][0]["state"] != "connected")
    assert north("status", "--json").answer["records"] >= records
    refused = north("peer", "remove", other, "--json")
    assert refused.code == 1 and refused.json["findings"] == [
        {"place": "origin", "reason": "no peer of this origin is pinned"}
    ]
    assert origin != other
