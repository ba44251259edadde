"""What a command reads from files and pasted lines: of bounded size, and refused with the file's name.

Invariant: no file is read beyond its limit.
"""

from pathlib import Path
from typing import Any

import msgspec

from protocol.core.errors import RefusedError

JSON_BYTES_MAX = 4 * 1024 * 1024
LINE_BYTES_MAX = 1024 * 1024
LINE_PREFIX = "rochdale-"
PATH_LENGTH_MAX = 1_000


def read_bytes(path: Path, bytes_max: int) -> bytes:
    """A whole file; RefusedError when it cannot be read or is longer."""
    try:
        with path.open("rb") as stream:
            raw = stream.read(bytes_max + 1)
    except OSError as error:
        raise RefusedError.at(str(path), error.strerror or "cannot be read") from None
    except ValueError:
        raise RefusedError.at(str(path), "is not a name that a file can have") from None
    if len(raw) > bytes_max:
        raise RefusedError.at(str(path), f"more than {bytes_max // (1024 * 1024)} MiB")
    return raw


def read_json(path: Path) -> Any:
    """The value in a JSON file; RefusedError says where it breaks off."""
    raw = read_bytes(path, JSON_BYTES_MAX)
    try:
        return msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise RefusedError.at(str(path), f"not JSON: {error}") from None


def read_line(text: str) -> str:
    """A pasted line, or the content of the file of this name."""
    if text.strip().startswith(LINE_PREFIX) or len(text) > PATH_LENGTH_MAX:
        return text
    try:
        return read_bytes(Path(text), LINE_BYTES_MAX).decode()
    except (RefusedError, UnicodeDecodeError):
        raise RefusedError.at(text, "neither a pasted line nor a file that can be read") from None


def read_key(text: str) -> str:
    """A verifier key that was pasted, or the content of the file of this name."""
    return text if "+" in text else read_bytes(Path(text), LINE_BYTES_MAX).decode(errors="replace").strip()
