"""The style sheet and the mark of this node's pages, read once at the start."""

from hashlib import sha256
from pathlib import Path

import msgspec

FOLDER = Path(__file__).parent / "static"
CONTENT_TYPES = {".css": "text/css", ".svg": "image/svg+xml"}
VERSION_CHARACTERS = 12


class StaticFile(msgspec.Struct, frozen=True):
    """One file as it is served."""

    content: bytes
    content_type: str


def load_files() -> dict[str, StaticFile]:
    """All files of the folder by name; no other name is ever served."""
    return {
        path.name: StaticFile(path.read_bytes(), CONTENT_TYPES[path.suffix])
        for path in sorted(FOLDER.iterdir())
        if path.suffix in CONTENT_TYPES
    }


def files_version(files: dict[str, StaticFile]) -> str:
    """A short hash that changes with any of the files."""
    digest = sha256(b"".join(sha256(file.content).digest() for _, file in sorted(files.items())))
    return digest.hexdigest()[:VERSION_CHARACTERS]
