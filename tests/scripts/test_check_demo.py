"""scripts/check_demo says yes to a run that reached everything and names each figure that did not."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "check_demo"
BINDS = {
    "capacities": ["ovens", "dairy", "field"],
    "caps": ["kitchen work (labour)", "greenhouse gases (cap)"],
    "floors": ["North: oats"],
    "complements": ["North: bread + butter"],
}
REACHED: dict[str, Any] = {
    "nodes": 10,
    "processes": 10,
    "goods": 72,
    "till_lines": 24_000,
    "records": 900,
    "logs_identical": True,
    "cosignatures": 80,
    "disclosures": 45,
    "prices_agreed": 40,
    "prices_void": 3,
    "plan": {
        "rounds": 17,
        "rounds_by_reading": [12, 5],
        "worst_good": 0.008,
        "worst_good_name": "bread",
        "gap_percent_of_credits": 0.2,
        "ratified_by": 10,
        "digest": "ab" * 32,
        "certificate_checked_by": 10,
        "checked_by_separate_script": True,
        "binds": BINDS,
    },
    "killed_and_rejoined": True,
    "peak_mib_per_node": 108,
    "seconds": 71.5,
}


def run_check(printed: str) -> tuple[int, list[str]]:
    done = subprocess.run([sys.executable, SCRIPT], input=printed, capture_output=True, text=True, check=False)
    return done.returncode, [line for line in done.stdout.splitlines() if line.startswith("FAILED")]


def test_a_run_that_reached_everything_passes_after_other_output() -> None:
    assert run_check("starting ten nodes\n" + json.dumps(REACHED) + "\n") == (0, [])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"nodes": 7, "processes": 7}, "at least 8 nodes"),
        ({"processes": 1}, "a process for each node"),
        ({"logs_identical": False}, "every node holds the same logs"),
        ({"prices_void": 0}, "a price without disclosure is void"),
        ({"killed_and_rejoined": None}, "the killed node came back"),
        ({"seconds": 121}, "at most 120 seconds"),
        ({"peak_mib_per_node": 121}, "at most 120 MiB a node"),
        (
            {"plan": {**REACHED["plan"], "binds": {**BINDS, "capacities": ["ovens", "dairy"]}}},
            "three capacities bind",
        ),
        (
            {"plan": {**REACHED["plan"], "binds": {**BINDS, "caps": ["kitchen work (labour)"]}}},
            "the emission cap binds",
        ),
        ({"goods": True}, "at least 60 goods (TypeError: goods is True, not a number)"),
        ({"plan": {**REACHED["plan"], "rounds_by_reading": [12, 21]}}, "at most 20 rounds"),
        ({"plan": {**REACHED["plan"], "worst_good": 0.012}}, "no good is short by more than 1 %"),
        ({"plan": {**REACHED["plan"], "ratified_by": 6}}, "more than two thirds ratified the plan"),
        ({"plan": {**REACHED["plan"], "digest": "none"}}, "the digest is a SHA-256"),
        ({"plan": {**REACHED["plan"], "certificate_checked_by": 9}}, "every node checked the certificate"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_figure_that_was_missed_is_named(change: dict[str, Any], said: str) -> None:
    assert run_check(json.dumps({**REACHED, **change})) == (1, [f"FAILED  {said}"])


def test_a_run_without_a_report_fails() -> None:
    status, said = run_check("it broke\n")
    assert status == 1
    assert said[0].startswith("FAILED  the demo prints one JSON object last")
