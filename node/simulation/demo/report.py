"""What the demo found out, as one object: every figure read from the nodes at the end of the run."""

import subprocess
import sys
from pathlib import Path
from typing import Any

from node.simulation.demo.node_process import CLOCK, NodeProcess
from node.simulation.demo.run import Demo

CHECK_SCRIPT = Path(__file__).parents[3] / "scripts" / "check_plan"
CHECK_WAIT_S = 120
SETTLE_LOOKS = 200
SETTLE_S = 0.1


def make_report(demo: Demo) -> dict[str, Any]:
    """The demo's figures."""
    # First: what is counted below is then the same at every node.
    logs_identical = _are_logs_identical(demo)
    statuses = [node.call("status") for node in demo.nodes.values()]
    products = demo.founder.call("product.list")["products"]
    plan = demo.founder.call("plan.show")
    certificate = plan["certificate"]
    document = demo.folder / "plan.json"
    document.write_text(plan["document"], "utf-8")
    for node in demo.nodes.values():
        node.note_memory()
    rounds = [reading["rounds"] for reading in plan["readings"]]
    return {
        "nodes": len(statuses),
        "processes": sum(node.is_running for node in demo.nodes.values()),
        "goods": demo.measured["goods"],
        "till_lines": demo.measured["till_lines"],
        "records": max(status["records"] for status in statuses),
        "void_records": max(status["void"] for status in statuses),
        "logs_identical": logs_identical,
        "cosignatures": sum(len(log["cosigned"]) for log in statuses[0]["logs"]),
        "disclosures": statuses[0]["kinds"]["supply.disclosure"],
        "prices_agreed": sum(product["state"] == "agreed" for product in products),
        "prices_void": sum(product["void_versions"] for product in products),
        "plan": {
            "rounds": sum(map(len, rounds)),
            "rounds_by_reading": [len(one) for one in rounds],
            "worst_good": rounds[-1][-1]["worst_good_ppm"] / 1_000_000,
            "worst_good_name": rounds[-1][-1]["worst_good"],
            "gap_percent_of_credits": None if certificate["gap_ppm"] is None else certificate["gap_ppm"] / 10_000,
            "ratified_by": sum(vote["approve"] for vote in plan["votes"]),
            "digest": plan["digest"],
            "certificate_checked_by": len(certificate["checked_by"]),
            "checked_by_separate_script": _run_check_script(document, plan["digest"]),
            "binds": _name_bindings(plan),
        },
        "killed_and_rejoined": demo.measured["killed_and_rejoined"],
        "peak_mib_per_node": max(node.peak_kib for node in demo.nodes.values()) // 1024,
        "seconds": demo.measured["seconds"],
    }


def _name_bindings(plan: dict[str, Any]) -> dict[str, list[str]]:
    """What holds the plan back, by the names that people know."""
    binds, members = plan["binds"], plan["members"]
    return {
        "capacities": [one["workplace"].partition("#")[2] for one in binds["capacities"]],
        "caps": [f"{one['good']} ({one['kind']})" for one in binds["caps"]],
        "floors": [f"{members[one['consumer']]}: {one['good']}" for one in binds["floors"]],
        "complements": [f"{members[one['consumer']]}: {' + '.join(one['goods'])}" for one in binds["complements"]],
    }


def _are_logs_identical(demo: Demo) -> bool:
    """Whether all nodes come to hold the same logs to the last root, now that nobody says anything more."""
    for _ in range(SETTLE_LOOKS):
        seen = {read_heads(node) for node in demo.nodes.values()}
        if len(seen) == 1:
            return True
        CLOCK.pause(SETTLE_S)
    return False


def read_heads(node: NodeProcess) -> tuple[tuple[str, int, str], ...]:
    """The logs that a node holds: name, size and root."""
    return tuple((log["origin"], log["size"], log["root"]) for log in node.call("status")["logs"])


def _run_check_script(document: Path, digest: str) -> bool:
    """Whether the checker that shares no code with the node finds nothing."""
    line = [sys.executable, "-I", str(CHECK_SCRIPT), str(document), "--digest", digest, "--json"]
    done = subprocess.run(line, capture_output=True, timeout=CHECK_WAIT_S, check=False)  # noqa: S603
    return done.returncode == 0
