"""The nearest relative doing the same job beside us: hypercore from npm, driven by the comparison's own scripts.

Invariant: nothing of it is part of this repository; where npm or the scripts are absent, that is said and passed over.
"""

import json
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Final, NamedTuple

import platformdirs

from scripts.benches.gossip.children import BenchError, Child

VERSION: Final = "11.37.1"
PACKAGES: Final = (f"hypercore@{VERSION}", "corestore@7.11", "hypercore-crypto")
SCRIPT: Final = Path(__file__).resolve().parents[4] / "shared" / "bench" / "peers" / "hypercore_peer.cjs"
INSTALL_WAIT_S: Final = 300


class Replicated(NamedTuple):
    """What one run of hypercore showed."""

    records_s: float
    wire_bytes: int
    grown_mib: float
    waits_ms: list[float]


def install_hypercore() -> tuple[Path | None, str]:
    """The folder that the packages are installed in, or None and why there is none. Asks npm's registry once."""
    npm, node = shutil.which("npm"), shutil.which("node")
    if npm is None or node is None:
        return None, "hypercore was not measured: npm is not on this machine"
    if not SCRIPT.is_file():
        return None, "hypercore was not measured: the comparison's scripts are not beside this checkout"
    folder = Path(platformdirs.user_cache_dir("rochdale")) / f"hypercore-{VERSION}"
    if (folder / "installed").is_file():
        return folder, ""
    folder.mkdir(parents=True, exist_ok=True)
    words = [npm, "install", "--no-fund", "--no-audit", "--prefix", str(folder), *PACKAGES]
    ended = subprocess.run(words, capture_output=True, timeout=INSTALL_WAIT_S, check=False)  # noqa: S603
    if ended.returncode:
        return None, "hypercore was not measured: npm could not install it"
    (folder / "installed").write_text("\n".join(PACKAGES))
    return folder, ""


def replicate(folder: Path, logs: int, size: int, latencies: int = 0, gap_ms: int = 0) -> Replicated:
    """Have one hypercore process take so many logs of so many records from another over loopback."""
    words = [str(shutil.which("node")), str(SCRIPT)]
    with tempfile.TemporaryDirectory(prefix="rochdale-hypercore-") as stores:
        ready_path = Path(stores) / "ready.json"
        with Child([*words, "a", f"{stores}/a", str(logs), str(size)], folder) as giving:
            ready_path.write_text(json.dumps(giving.wait_for("ready")))
            with Child([*words, "b", f"{stores}/b", str(ready_path)], folder) as taking:
                done = taking.wait_for("synced")
                if done["n"] != logs * size:
                    raise BenchError("hypercore took another number of records than it was given")
                waits_ms: list[float] = []
                if latencies:
                    taking.tell("lat", latencies, gap_ms)
                    giving.tell("lat", latencies, gap_ms)
                    waits_ms = taking.wait_for("lat")["lat"]
    return Replicated(done["n"] / done["s"], done["wire"], done["rss"] - done["rss0"], waits_ms)
