"""What is printed for somebody who has had enough, as `| head` has, ends quietly and blames no peer."""

import os
import subprocess
import sys
from pathlib import Path


def test_a_reader_that_went_is_no_peer_out_of_reach(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    line = [sys.executable, "-m", "node.cli.main", "--home", str(tmp_path), "simulate", "--seed", "4", "--nodes", "2"]
    done = subprocess.run([*line, "--steps", "3"], stdout=writing, stderr=subprocess.PIPE, check=False)
    os.close(writing)
    assert (done.returncode, done.stderr) == (1, b"")
