"""What is installed and how: every package pinned with hashes, every shell script in strict mode and executable."""

import os
import re
import tomllib
from pathlib import Path, PurePosixPath

from tests.house.source_tree import CODE_FOLDERS, SKIPPED_FOLDERS, Breach, SourceTree

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


def audit_packages(tree: SourceTree) -> list[Breach]:
    """Folders of code that setuptools would not see, and files beside the code that it would leave behind."""
    breaches = []
    paths = {source.path for source in tree.files}
    for folder in sorted({source.folder for source in tree.code}):
        if f"{folder}/__init__.py" not in paths:
            breaches.append(Breach(folder, "has no __init__.py, so it would not be installed"))
    patterns = _package_data(tree)
    for path in _files_beside_code(tree.root):
        package, _, inside = path.partition("/")
        if not any(_matches(inside, pattern) for pattern in patterns.get(package, [])):
            breaches.append(Breach(path, "is not in package-data of pyproject.toml, so it would not be installed"))
    return breaches


def _package_data(tree: SourceTree) -> dict[str, list[str]]:
    text = tree.text_of("pyproject.toml")
    project = {} if text is None else tomllib.loads(text)
    found: dict[str, list[str]] = project.get("tool", {}).get("setuptools", {}).get("package-data", {})
    return found


def _files_beside_code(root: Path) -> list[str]:
    found = (path for folder in CODE_FOLDERS for path in (root / folder).rglob("*"))
    return sorted(
        path.relative_to(root).as_posix()
        for path in found
        if path.is_file() and path.suffix != ".py" and not SKIPPED_FOLDERS & set(path.parts)
    )


def _matches(path: str, pattern: str) -> bool:
    """As setuptools reads it: `**/` stands for any folders or none, `*` stays within one."""
    parts, wanted = PurePosixPath(path).parts, PurePosixPath(pattern).parts
    if "**" not in wanted:
        return len(parts) == len(wanted) and PurePosixPath(path).match(pattern)
    at = wanted.index("**")
    tail = len(wanted) - at - 1
    return (
        len(parts) >= at + tail and parts[:at] == wanted[:at] and PurePosixPath(path).match("/".join(wanted[at + 1 :]))
    )
