"""How people type an operation, and what they read of its answer: the command line is made of this.

Invariant: what a command takes is what its operation takes; each has one name, one type and one sentence of help.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import msgspec


class Rows(NamedTuple):
    """A table for people: the heads of its columns, and its rows."""

    columns: Sequence[str]
    rows: Sequence[Sequence[object]]


@dataclass(frozen=True)
class Command:
    """`rochdale` and these words. The parameters named in `arguments` are typed by place, all others as options.

    `tell` makes sentences and tables of the answer (the struct that the operation gives, else plain values).
    `example` is typed after the words at a home of its own that does not run, which ends with `code`: 0 done,
    1 refused; every command is tried so. `group` says what the group is for that the words begin with, where no
    other command has said so.
    """

    words: str
    tell: Callable[[Any], Iterable[str | Rows]]
    arguments: tuple[str, ...] = ()
    example: str = ""
    code: int = 0
    group: str = ""


LINE: Final = msgspec.Meta(extra={"read": "line"})
"""A text that is pasted, or the name of a file that holds it."""

KEY: Final = msgspec.Meta(extra={"read": "key"})
"""A verifier key that is pasted, or the name of a file that holds it."""

PLACE: Final = msgspec.Meta(extra={"read": "place"})
"""A file or folder of this machine, wherever the command is typed."""


def typed(words: str) -> msgspec.Meta:
    """How a parameter is typed where its name alone does not say it: `--floor GOOD=AMOUNT`, `HASH`."""
    return msgspec.Meta(extra={"typed": words})


def help_of(text: str) -> msgspec.Meta:
    """A sentence on a parameter: in the help of its command, in the schema and on the page of the API."""
    return msgspec.Meta(description=text)


def count(number: int, one: str, many: str = "") -> str:
    """`1 record`, `2 records`."""
    return f"{number} {one if number == 1 else many or one + 's'}"
