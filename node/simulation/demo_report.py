"""What the demo found out, as one object: every figure read from the nodes at the end of the run."""

import subprocess
import sys
from pathlib import Path
from typing import Any

from node.simulation.demo import Demo
from node.simulation.node_process import CLOCK, NodeProcess

CHECK_SCRIPT = Path(__file__).parents[2] / "scripts" / "check_plan"
CHECK_WAIT_S = 120
SETTLE_LOOKS = 200
SETTLE_S = 0.1


def make_report(demo: Demo) -> dict[str, Any]:
    """The demo's figures."""
    statuses = [node.call("status") for node in demo.nodes.values()]
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
        "logs_identical": are_logs_identical(demo),
        "cosignatures": sum(len(log["cosigned"]) for log in statuses[0]["logs"]),
        "disclosures": demo.measured["disclosures"],
        "prices_agreed": demo.measured["prices_agreed"],
        "prices_void": demo.measured["prices_void"],
        "plan": {
            "rounds": [len(one) for one in rounds],
            "worst_good": rounds[-1][-1]["worst_good"],
            "worst_good_percent": rounds[-1][-1]["worst_good_ppm"] / 10_000,
            "gap_percent_of_credits": None if certificate["gap_ppm"] is None else certificate["gap_ppm"] / 10_000,
            "ratified_by": sum(vote["approve"] for vote in plan["votes"]),
            "digest": plan["digest"],
            "certificate_checked_by": len(certificate["checked_by"]),
            "checked_by_separate_script": run_check_script(document, plan["digest"]),
            "binds": {kind: len(found) for kind, found in plan["binds"].items()},
        },
        "killed_and_rejoined": demo.measured["killed_and_rejoined"],
        "peak_mib_per_node": max(node.peak_kib for node in demo.nodes.values()) // 1024,
        "seconds": demo.measured["seconds"],
    }


def are_logs_identical(demo: Demo) -> bool:
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


def run_check_script(document: Path, digest: str) -> bool:
    """Whether the checker that shares no code with the node finds nothing."""
    line = [sys.executable, "-I", str(CHECK_SCRIPT), str(document), "--digest", digest, "--json"]
    done = subprocess.run(line, capture_output=True, timeout=CHECK_WAIT_S, check=False)  # noqa: S603
    return done.returncode == 0
