"""What a fresh process has loaded after one command."""

import subprocess
import sys

HEAVY = {
    *("aiohttp", "asyncio", "cryptography", "highspy", "jinja2", "networkx", "numpy", "structlog"),
    *("node.app", "node.operations", "node.peering", "node.simulation", "node.solvers", "node.web", "storage.database"),
}
NEEDED = {"asyncio", "cryptography", "storage.database"}
"""By whatever opens a home."""
SHOW_LOADED = """
import sys
from node.cli.main import run_words
code = run_words(sys.argv[1:])
sys.stderr.write(" ".join(sys.modules))
sys.exit(code)
"""


def loaded_by(*words: object) -> set[str]:
    """The modules of a fresh process that ran these words."""
    line = [sys.executable, "-c", SHOW_LOADED, *map(str, words)]
    done = subprocess.run(line, capture_output=True, text=True, check=True)
    return set(done.stderr.split())
