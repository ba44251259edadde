"""Pages that cannot fall behind: links lead somewhere, cited spec pages exist, the code map names every folder."""

import re

from tests.house.source_tree import Breach, SourceTree

LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)(?:#[^)]*)?\)")
SPEC_PAGE = re.compile(r"docs/(?:spec|guides|decisions)/[\w/-]+\.md")
NAMED_FILE = re.compile(r"`([\w/]+\.py)`")
CODE_MAP = "docs/ARCHITECTURE.md"
CODE_MAP_LINES_MAX = 150
CHANGELOG = "CHANGELOG.md"
OPENING_CHARACTERS = 40
"""By so many an entry of the changelog is known: one that two branches moved or mended comes back beside itself."""


def audit_links(tree: SourceTree) -> list[Breach]:
    """Relative links in Markdown pages whose target is not in the checkout."""
    breaches = []
    for source in tree.files:
        if not source.path.endswith(".md"):
            continue
        here = (tree.root / source.path).parent
        for number, line in enumerate(source.text.splitlines(), start=1):
            for target in LINK.findall(line):
                if "://" not in target and not target.startswith("mailto:") and not (here / target).exists():
                    breaches.append(Breach(f"{source.path}:{number}", f"leads nowhere: {target}"))
    return breaches


def audit_spec_pages(tree: SourceTree) -> list[Breach]:
    """Pages that a Python file cites and that are not written."""
    paths = {source.path for source in tree.files}
    return [
        Breach(source.path, f"cites {page}, which is not there")
        for source in tree.python
        if not source.path.startswith("tests/house/")
        for page in sorted(set(SPEC_PAGE.findall(source.text)) - paths)
    ]


def audit_named_files(tree: SourceTree) -> list[Breach]:
    """The roads and the map lead through files that are there, named by path or by the end of it."""
    paths = [f"/{source.path}" for source in tree.files]
    named = sorted(set(NAMED_FILE.findall(tree.text_of(CODE_MAP) or "")))
    return [
        Breach(CODE_MAP, f"names {name}, which is not there")
        for name in named
        if not any(path.endswith(f"/{name}") for path in paths)
    ]


def audit_architecture(tree: SourceTree) -> list[Breach]:
    """The code map is short and names every folder of code that holds Python files."""
    text = tree.text_of(CODE_MAP)
    if text is None:
        return [Breach(CODE_MAP, "is not there")]
    folders = sorted({source.folder for source in tree.code if source.folder.count("/") == 1})
    breaches = [
        Breach(CODE_MAP, f"does not name {folder}/")
        for folder in folders
        if f"{folder}/" not in text and f"`{folder.rpartition('/')[2]}/`" not in text
    ]
    if len(text.splitlines()) > CODE_MAP_LINES_MAX:
        breaches.append(Breach(CODE_MAP, f"{len(text.splitlines())} lines, at most {CODE_MAP_LINES_MAX}"))
    return breaches


def audit_changelog(tree: SourceTree) -> list[Breach]:
    """Headings that stand twice in one version and entries that begin alike: branches merge there by union."""
    known: set[str] = set()
    breaches = []
    for number, line in enumerate((tree.text_of(CHANGELOG) or "").splitlines(), start=1):
        if line.startswith("## "):
            known = set()
        opening = line[:OPENING_CHARACTERS]
        if opening.startswith(("### ", "- ")) and opening in known:
            breaches.append(Breach(f"{CHANGELOG}:{number}", f"stands there twice: {opening}"))
        known.add(opening)
    return breaches
