"""Workers end with whoever began them."""

import os
import select
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
WAIT_S = 20.0
"""A safety net only."""
KILLED = """
import os, signal, time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from scripts.soaking.orphans import end_with_parent
if __name__ == "__main__":
    pool = ProcessPoolExecutor(1, get_context("spawn"), end_with_parent)
    print(pool.submit(os.getpid).result(), flush=True)
    pool.submit(time.sleep, 60)
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="this system says nothing of the end of another's process")
def test_a_worker_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(KILLED)
    said = tmp_path / "worker"
    with said.open("w") as output:
        subprocess.run([sys.executable, str(program)], env={"PYTHONPATH": str(ROOT)}, stdout=output, timeout=WAIT_S)
    try:
        worker = os.pidfd_open(int(said.read_text()))
    except ProcessLookupError:
        return
    try:
        assert select.select([worker], [], [], WAIT_S)[0], "the worker outlives its parent"
    finally:
        os.close(worker)
