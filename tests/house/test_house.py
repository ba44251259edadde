"""The house keeps its own rules: each check finds nothing in this checkout, and finds the breach planted for it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.house import documents, honest_tests, layers, pins, public_names, purity, reach, single_callers, sizes, words
from tests.house.source_tree import Breach, SourceTree, read_tree

ROOT = Path(__file__).resolve().parents[2]
Check = Callable[[SourceTree], list[Breach]]

CHECKS: tuple[Check, ...] = (
    layers.audit_layers,
    layers.audit_circles,
    purity.audit_purity,
    purity.audit_clock,
    sizes.audit_file_sizes,
    sizes.audit_function_sizes,
    sizes.audit_folder_sizes,
    words.audit_docstrings,
    words.audit_names,
    words.audit_marks,
    words.audit_machine_traces,
    words.audit_printing,
    single_callers.audit_single_callers,
    single_callers.audit_key_users,
    single_callers.audit_guarded_names,
    honest_tests.audit_tests,
    reach.audit_reach,
    public_names.audit_public_names,
    documents.audit_links,
    documents.audit_spec_pages,
    documents.audit_architecture,
    documents.audit_named_files,
    documents.audit_changelog,
    pins.audit_pins,
    pins.audit_shell_scripts,
    pins.audit_packages,
)

DOC = '"""A module."""\n\n'
LONG_FILE = DOC + "x = 1\n" * 400
LONG_FUNCTION = DOC + "def do_much() -> None:\n" + "    x = 1\n" * 50
CHECKPOINT = "from protocol.log import checkpoint\n"
LOG_STORE = "from storage.log import log_store as logs\n"
SLASH = "/"

# (check, what is planted, where it lies, its text, a piece of what the check must say)
PLANTED: tuple[tuple[Check, str, str, str, str], ...] = (
    (layers.audit_layers, "an area that imports another", "protocol/supply/price.py",
     DOC + "from protocol.planning import plan\n", "protocol.supply may not import protocol.planning.plan"),
    (layers.audit_layers, "the log that imports federation", "protocol/log/quorum.py",
     DOC + "import protocol.federation.roster\n", "protocol.log may not import protocol.federation.roster"),
    (layers.audit_layers, "a rule that imports storage inside a function", "protocol/core/record.py",
     DOC + "def load() -> None:\n    from storage import database\n", "protocol.core may not import storage.database"),
    (layers.audit_layers, "a relative import upwards", "protocol/gossip/session.py",
     DOC + "from ..federation import roster\n", "protocol.gossip may not import protocol.federation.roster"),
    (layers.audit_layers, "a use case that imports an edge", "node/use_cases/status.py",
     DOC + "from node.web import server\n", "node.use_cases may not import node.web.server"),
    (layers.audit_layers, "an edge that imports another", "node/web/logs/pages.py",
     DOC + "from node.peering import dialer\n", "node.web may not import node.peering.dialer"),
    (layers.audit_layers, "code that imports a test", "storage/files.py",
     DOC + "from tests.house import layers\n", "storage may not import tests.house.layers"),
    (layers.audit_layers, "a file outside all layers", "node/odds/ends.py", DOC, "belongs to no layer"),
    (purity.audit_purity, "a rule that reads the clock", "protocol/core/record.py",
     DOC + "import time\n", "imports time (standard library), not pure"),
    (purity.audit_purity, "a rule that logs", "protocol/core/record.py",
     DOC + "import structlog\n", "imports structlog (third party), not pure"),
    (purity.audit_purity, "a rule that asks for today's date", "protocol/supply/price.py",
     DOC + "import datetime\nDAY = datetime.date.today()\n", ".today() is not pure"),
    (purity.audit_purity, "a rule that opens a file", "protocol/core/note.py",
     DOC + "TEXT = open('note').read()\n", "calls open(), not pure"),
    (purity.audit_purity, "a rule that makes a key", "protocol/core/identity.py",
     DOC + "import nacl.signing\nKEY = nacl.signing.SigningKey.generate()\n", ".generate() is not pure"),
    (purity.audit_purity, "a rule that draws with numpy", "protocol/planning/step.py",
     DOC + "import numpy as np\nDRAW = np.random.rand()\n", "numpy's .random"),
    (purity.audit_clock, "a page that reads the clock", "node/web/server.py",
     DOC + "from time import monotonic\n", "imports time.monotonic: only node/clock.py"),
    (purity.audit_clock, "a store that asks the time", "storage/files.py",
     DOC + "from datetime import datetime\nNOW = datetime.now()\n", ".now() is for node/clock.py alone"),
    (purity.audit_clock, "a use case that draws at random", "node/use_cases/publish.py",
     DOC + "import os\nSALT = os.urandom(32)\n", ".urandom() is for node/clock.py alone"),
    (purity.audit_clock, "an unseeded draw in the simulation", "node/simulation/region/region.py",
     DOC + "import random\n", "imports random: only node/clock.py"),
    (sizes.audit_file_sizes, "a long file", "protocol/core/encoding.py", LONG_FILE, "402 lines, at most 400"),
    (sizes.audit_function_sizes, "a long function", "node/cli/main.py", LONG_FUNCTION, "do_much has 51 lines"),
    (words.audit_docstrings, "a module that says nothing", "storage/files.py", "x = 1\n", "no module docstring"),
    (words.audit_names, "a file named by what everything is", "node/web/utils.py", DOC, "'utils' says nothing"),
    (words.audit_names, "a folder named so", "protocol/common/mass.py", DOC, "'common' says nothing"),
    (words.audit_names, "a parameter of one letter", "protocol/log/tree.py",
     DOC + "def root_of(n: int) -> int:\n    return n\n", "root_of has a parameter of one letter: n"),
    (words.audit_marks, "a mark of unfinished work in a page", "docs/guides/run.md", "TO" + "DO: write\n",
     "marks unfinished work"),
    (words.audit_marks, "a function that is not there", "node/app.py",
     DOC + "def run() -> None:\n    raise NotImplemented" + "Error\n", "marks unfinished work"),
    (words.audit_marks, "a bare exemption from types", "node/app.py",
     DOC + "x: int = ''  # type: ig" + "nore\n", "exempts from the type check"),
    (words.audit_machine_traces, "a path of one machine", "docs/guides/run.md",
     "Look into " + SLASH + "work/main first.\n", "path of one machine"),
    (words.audit_machine_traces, "a temporary path in code", "node/config.py",
     DOC + 'HOME = "' + SLASH + 'tmp/home"\n', "path of one machine"),
    (words.audit_machine_traces, "an index address among the pins", "requirements.txt",
     "--extra-index-u" + "rl https://packages.example/simple\nclick==8\n", "names a package index"),
    (words.audit_printing, "a use case that prints", "node/use_cases/till.py",
     DOC + "def tell() -> None:\n    print('done')\n", "prints; only"),
    (single_callers.audit_single_callers, "a page that signs a head", "node/web/server.py",
     DOC + CHECKPOINT + "SIGN = checkpoint.sign_checkpoint\n", "uses protocol.log.checkpoint.sign_checkpoint"),
    (single_callers.audit_single_callers, "a second cosigner", "node/peering/listener.py",
     DOC + "from protocol.log.cosignature import sign_cosignature\n", "sign_cosignature, which is for"),
    (single_callers.audit_single_callers, "a publisher that admits", "node/use_cases/publish.py",
     DOC + LOG_STORE + "def admit() -> None:\n    logs.extend()\n", "uses storage.log.log_store.extend"),
    (single_callers.audit_key_users, "a page that holds the log key", "node/web/server.py",
     DOC + "def sign(node: object) -> object:\n    return node.keys.log\n", "reads the log key"),
    (single_callers.audit_guarded_names, "a guarded function that moved", "storage/log/log_store.py",
     DOC + "def append() -> None: ...\ndef extend() -> None: ...\n", "has no store_bundles"),
    (honest_tests.audit_tests, "a test that asserts nothing", "tests/core/test_note.py",
     "def test_note() -> None:\n    x = 1\n", "test_note asserts nothing"),
    (honest_tests.audit_tests, "a test whose steps assert nothing", "tests/core/test_note.py",
     "def test_note() -> None:\n    step()\ndef step() -> None:\n    x = 1\n", "test_note asserts nothing"),
    (honest_tests.audit_tests, "a test that sleeps", "tests/node/test_app.py",
     "import time\ndef test_app() -> None:\n    time.sleep(1)\n    assert True\n", "sleeps"),
    (public_names.audit_public_names, "a function of one module that all may call", "storage/files.py",
     DOC + "def shred() -> None: ...\n_FILES = shred()\n", "only this module mentions shred: call it _shred"),
    (public_names.audit_public_names, "a class that only hidden things hold", "storage/files.py",
     DOC + "class Shreds: ...\ndef _shred() -> Shreds: ...\n", "only this module mentions Shreds"),
    (reach.audit_reach, "a function that nothing calls", "node/use_cases/status.py",
     DOC + "def show_nobody() -> None:\n    LIMIT = 1\n", "show_nobody is reached by nothing"),
    (reach.audit_reach, "a limit that limits nothing", "protocol/gossip/limits.py",
     DOC + "WISHES_MAX: int = 8\n", "WISHES_MAX is reached by nothing"),
    (reach.audit_reach, "a method that nobody calls", "storage/files.py",
     DOC + "class Files:\n    def shred(self) -> None: ...\nFILES = Files()\n", "shred is reached by nothing"),
    (honest_tests.audit_tests, "a mock", "tests/node/test_app.py",
     "from unittest.mock import Mock\n", "imports unittest.mock.Mock"),
    (pins.audit_pins, "a package without a hash", "requirements.txt",
     "click==8.3.0\n", "is not pinned by version and hash: click==8.3.0"),
    (pins.audit_pins, "a package without a version", "requirements-dev.txt",
     "pytest>=9 \\\n    --hash=sha256:" + "0" * 64 + "\n", "is not pinned by version and hash: pytest>=9"),
    (pins.audit_shell_scripts, "a script that goes on after an error", "scripts/test",
     "#!/usr/bin/env bash\npytest\n", "does not run in strict mode"),
    (pins.audit_shell_scripts, "a script that cannot be run", "scripts/demo",
     "#!/usr/bin/env bash\nset -euo pipefail\n", "is not executable"),
    (pins.audit_packages, "a package that would not be installed", "node/web/front/pages.py",
     DOC, "node/web/front: has no __init__.py"),
    (pins.audit_packages, "a template that would be left behind", "node/web/front/templates/front.html",
     "<p>Hello</p>\n", "is not in package-data"),
    (documents.audit_links, "a link that leads nowhere", "docs/guides/run.md",
     "See [the log](../spec/lost.md).\n", "leads nowhere: ../spec/lost.md"),
    (documents.audit_spec_pages, "a module that cites a page that is not there", "protocol/log/tree.py",
     '"""A tree; docs/spec/lost.md."""\n', "cites docs/spec/lost.md"),
    (documents.audit_architecture, "a code map that forgets a folder", "docs/ARCHITECTURE.md",
     "# Architecture\n", "does not name protocol/log/"),
    (documents.audit_changelog, "an entry that a merge brought back", "CHANGELOG.md",
     "## Unreleased\n### Added\n- `rochdale recall`\n- `rochdale recall`\n", "CHANGELOG.md:4: stands there twice"),
    (documents.audit_changelog, "a heading that a merge brought back", "CHANGELOG.md",
     "## Unreleased\n### Added\n### Fixed\n### Added\n", "CHANGELOG.md:4: stands there twice: ### Added"),
    (documents.audit_named_files, "a road through a file that has moved", "docs/ARCHITECTURE.md",
     "Then `log/gone.py` says so.\n", "names log/gone.py"),
)  # fmt: skip


@pytest.fixture(scope="module")
def checkout() -> SourceTree:
    return read_tree(ROOT)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_the_checkout_keeps_the_rule(check: Check, checkout: SourceTree) -> None:
    breaches = check(checkout)
    if breaches:
        pytest.fail(f"{len(breaches)} breaches:\n" + "\n".join(map(str, breaches)), pytrace=False)


@pytest.mark.parametrize(("check", "what", "path", "text", "said"), PLANTED, ids=[row[1] for row in PLANTED])
def test_a_planted_breach_is_caught(check: Check, what: str, path: str, text: str, said: str, tmp_path: Path) -> None:
    plant(tmp_path, "protocol/log/__init__.py", "")
    clean = (
        {str(breach) for breach in check(read_tree(tmp_path))} if check is not documents.audit_architecture else set()
    )
    plant(tmp_path, path, text)
    found = [str(breach) for breach in check(read_tree(tmp_path))]
    assert any(said in breach for breach in found), f"{what} was not caught; found: {found}"
    assert not clean, f"the clean tree was blamed: {clean}"


def test_a_full_folder_is_caught(tmp_path: Path) -> None:
    for number in range(sizes.FOLDER_FILES_MAX + 1):
        plant(tmp_path, f"storage/part_{number}.py", DOC)
    assert [breach.place for breach in sizes.audit_folder_sizes(read_tree(tmp_path))] == ["storage"]


def test_what_only_a_test_reaches_is_caught(tmp_path: Path) -> None:
    plant(tmp_path, "node/till/sums.py", DOC + "def sum_weeks() -> int:\n    return 1\n")
    plant(tmp_path, "tests/node/test_sums.py", "from node.till.sums import sum_weeks\nassert sum_weeks() == 1\n")
    found = [str(breach) for breach in reach.audit_reach(read_tree(tmp_path))]
    assert found == ["node/till/sums.py:3: sum_weeks is reached by nothing but tests, if by them: delete or move it"]


def test_a_circle_of_imports_is_caught_and_who_leans_on_it_is_not(tmp_path: Path) -> None:
    plant(tmp_path, "storage/files.py", DOC + "from storage import disk\n")
    plant(tmp_path, "storage/disk.py", DOC + "def open_() -> None:\n    from storage.home import home_lock\n")
    typed = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from storage.disk import open_\n"
    plant(tmp_path, "storage/home/home_lock.py", DOC + typed)
    found = [breach.place for breach in layers.audit_circles(read_tree(tmp_path))]
    assert found == ["storage/disk.py", "storage/home/home_lock.py"]


def test_a_dependency_that_no_file_pins_is_caught(tmp_path: Path) -> None:
    plant(tmp_path, "pyproject.toml", '[project]\ndependencies = ["click>=8", "Left.Out"]\n')
    plant(tmp_path, "requirements.txt", "click==8.3.0 \\\n    --hash=sha256:" + "0" * 64 + "\n")
    found = [str(breach) for breach in pins.audit_pins(read_tree(tmp_path))]
    assert found == ["requirements.txt: does not pin left-out; run scripts/pin"]


def test_every_check_has_a_planted_breach() -> None:
    planted = {row[0] for row in PLANTED} | {sizes.audit_folder_sizes, layers.audit_circles}
    assert planted == set(CHECKS)


def plant(root: Path, path: str, text: str) -> None:
    target = root / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text, encoding="utf-8")
