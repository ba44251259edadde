"""What is installed and how: every package pinned with hashes, every shell script in strict mode and executable."""

import os
import re
import tomllib

from tests.house.source_tree import Breach, SourceTree

REQUIREMENT_FILES = {
    "requirements.txt": (),
    "requirements-demo.txt": ("demo",),
    "requirements-dev.txt": ("demo", "dev"),
}
PINNED = re.compile(r"^([A-Za-z0-9][\w.-]*)==[\w.!+]+(?: ; [^\\]+)? \\$")
HASH = re.compile(r"^    --hash=sha256:[0-9a-f]{64}(?: \\)?$")
STRICT = re.compile(r"^set -(?:e)?uo pipefail$", re.MULTILINE)


def audit_pins(tree: SourceTree) -> list[Breach]:
    """Requirements that are not pinned with a hash, and dependencies of the project that no file pins."""
    breaches = []
    for path, extras in REQUIREMENT_FILES.items():
        text = tree.text_of(path)
        if text is None:
            continue
        pinned, found = _read_pins(path, text)
        breaches.extend(found)
        breaches.extend(
            Breach(path, f"does not pin {name}; run scripts/pin") for name in _wanted(tree, extras) - pinned
        )
    return breaches


def _read_pins(path: str, text: str) -> tuple[set[str], list[Breach]]:
    pinned: set[str] = set()
    breaches = []
    lines = text.splitlines()
    for number, line in enumerate(lines, start=1):
        if not line or line.lstrip().startswith("#") or HASH.match(line):
            continue
        found = PINNED.match(line)
        if found is None or number == len(lines) or not HASH.match(lines[number]):
            breaches.append(Breach(f"{path}:{number}", f"is not pinned by version and hash: {line.strip()}"))
        else:
            pinned.add(_plain(found[1]))
    return pinned, breaches


def _wanted(tree: SourceTree, extras: tuple[str, ...]) -> set[str]:
    text = tree.text_of("pyproject.toml")
    project = {} if text is None else tomllib.loads(text).get("project", {})
    named = list(project.get("dependencies", []))
    for extra in extras:
        named.extend(project.get("optional-dependencies", {}).get(extra, []))
    return {_plain(re.split(r"[^\w.-]", name, maxsplit=1)[0]) for name in named}


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def audit_shell_scripts(tree: SourceTree) -> list[Breach]:
    """Shell scripts that are not executable or go on after an error in a pipe or an unset name."""
    breaches = []
    for source in tree.files:
        if not source.text.startswith("#!/usr/bin/env bash"):
            continue
        if not STRICT.search(source.text):
            breaches.append(Breach(source.path, "does not run in strict mode: set -euo pipefail"))
        if not os.access(tree.root / source.path, os.X_OK):
            breaches.append(Breach(source.path, "is not executable"))
    return breaches
