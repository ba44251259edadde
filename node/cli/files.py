"""What a command reads from files and pasted lines, of bounded size and refused with the file's name; what it writes.

Invariant: no file is read beyond its limit, and none is written over.
"""

import os
from collections.abc import Iterable
from itertools import dropwhile, takewhile
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from node.use_cases.description import Out
from node.use_cases.misfit import refuse_misfit
from protocol.core.errors import RefusedError
from storage.disk import write_durably

JSON_BYTES_MAX = 4 * 1024 * 1024
_MIB = 1024 * 1024
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
        limit = f"{bytes_max // _MIB} MiB" if bytes_max >= _MIB else f"{bytes_max} bytes"
        raise RefusedError.at(str(path), f"more than {limit}")
    return raw


def read_json(path: Path) -> Any:
    """The value in a JSON file; RefusedError says where it breaks off."""
    raw = read_bytes(path, JSON_BYTES_MAX)
    try:
        return msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise RefusedError.at(str(path), f"not JSON: {error}") from None


def read_form(path: Path, form: type[msgspec.Struct]) -> Any:
    """The value in a JSON file that must have this form; RefusedError says where it has another."""
    value = read_json(path)
    try:
        msgspec.convert(value, form)
    except msgspec.ValidationError as error:
        raise refuse_misfit(error, "", str(path)) from None
    return value


def read_line(text: str) -> str:
    """A pasted line, or the line in the file of this name: the words around it may have been saved too."""
    if text.strip().startswith(LINE_PREFIX) or len(text) > PATH_LENGTH_MAX:
        return text
    try:
        content = read_bytes(Path(text), LINE_BYTES_MAX).decode()
    except (RefusedError, UnicodeDecodeError):
        raise RefusedError.at(text, "neither a pasted line nor a file that can be read") from None
    lines = list(dropwhile(lambda line: not line.strip().startswith(LINE_PREFIX), content.splitlines()))
    # Mail breaks a long line into several; an empty one ends it.
    return "\n".join(takewhile(str.strip, lines)) or content


def read_key(text: str) -> str:
    """A verifier key that was pasted, or the content of the file of this name."""
    return text if "+" in text else read_bytes(Path(text), LINE_BYTES_MAX).decode(errors="replace").strip()


class Named(NamedTuple):
    """A file that was named for an answer or a part of it."""

    out: Out
    path: Path


def check_free(paths: Iterable[Path]) -> None:
    """RefusedError, before anything is done, where a file is there already or cannot be made, or two have one name."""
    named: set[Path] = set()
    for path in paths:
        if path.exists():
            raise RefusedError.at(str(path), "there is a file already; nothing was changed")
        if not os.access(path.parent, os.W_OK):
            raise RefusedError.at(str(path), "its folder is not there or cannot be written to; nothing was changed")
        if path.absolute() in named:
            raise RefusedError.at(str(path), "is named twice: each needs a file of its own")
        named.add(path.absolute())


def write_files(files: Iterable[Named], answer: Any) -> list[Named]:
    """Write what there is to write of an answer, for its owner alone to read; those that were written."""
    contents = [(one, one.out.pick(answer)) for one in files]
    for one, content in contents:
        if content:
            write_durably(one.path, content.encode() if isinstance(content, str) else content)
    return [one for one, content in contents if content]
