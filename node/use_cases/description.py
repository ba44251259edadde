"""What an operation says of itself beside its name: how it is typed, where it stands as a page, what of it is read.

Invariant: what a command or a page takes is what its operation takes; each has one name, one type, one sentence.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import msgspec

from protocol.core.quantities import divide_half_up, format_decimal

EXIT_REFUSED, EXIT_MISUSE, EXIT_UNREACHED = 1, 2, 3


class Rows(NamedTuple):
    """A table for people: the heads of its columns, and its rows."""

    columns: Sequence[str]
    rows: Sequence[Sequence[object]]

    @property
    def figures(self) -> tuple[bool, ...]:
        """Which columns hold nothing but numbers; these stand to the right."""
        cells = [[str(row[place]) for row in self.rows] for place in range(len(self.columns))]
        return tuple(bool(column) and all(map(_is_figure, column)) for column in cells)


def _is_figure(cell: str) -> bool:
    return cell.lstrip("-").replace(".", "").isdigit()


Lines = Callable[[Any], Iterable[Sequence[str]]]
"""An answer as lines for a spreadsheet, the names of the columns first."""

Tell = Callable[[Any], Iterable[str | Rows]]
"""Sentences and tables of an answer (the struct that the operation gives, else plain values), for terminal and page.
Words in `backticks` are typed; a text of several lines is shown as it is."""


@dataclass(frozen=True)
class Command:
    """`rochdale` and these words. The parameters named in `arguments` are typed by place, all others as options.

    `example` is typed after the words at a home of its own that does not run, which ends with `code`: 0 done,
    1 refused; every command is tried so. `group` says what the group is for that the words begin with, where no
    other command has said so. With `is_from_file` the parameters together are one JSON file, the only argument.
    `also` are other words for the same. `ends` is the exit code that an answer asks for, where not each is good news.
    `files` are texts of the answer that an option of the same name writes to a file, each with its sentence of help;
    with `lines` there is an option --csv.
    """

    words: str
    arguments: tuple[str, ...] = ()
    example: str = ""
    code: int = 0
    group: str = ""
    is_from_file: bool = False
    also: tuple[str, ...] = ()
    ends: Callable[[Any], int] = lambda _: 0
    files: Mapping[str, str] = field(default_factory=dict)
    lines: Lines | None = None


@dataclass(frozen=True)
class Page:
    """An address whose page tells the answer; parameters come from the address: `/wishes/{good}`, or what follows `?`.

    Where there is a page already (`/logs`), or another operation has it, this is one more section of it. Nobody needs
    a token to read it, so it says nothing that is not everybody's to read.
    """

    path: str
    title: str


LINE: Final = msgspec.Meta(extra={"read": "line"})
"""A text that is pasted, or the name of a file that holds it."""

PLACE: Final = msgspec.Meta(extra={"read": "place"})
"""A file or folder of this machine, wherever the command is typed."""

KEY: Final = msgspec.Meta(extra={"read": "key"})
"""A verifier key that is pasted, or the name of a file that holds it."""


def typed(words: str) -> msgspec.Meta:
    """How a parameter is typed where its name alone does not say it: `--floor GOOD=AMOUNT`, `HASH`."""
    return msgspec.Meta(extra={"typed": words})


def help_of(text: str) -> msgspec.Meta:
    """A sentence on a parameter: in the help of its command, in the schema and on the page of the API."""
    return msgspec.Meta(description=text)


def count(number: int, one: str, many: str = "") -> str:
    """`1 record`, `2 records`."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def percent(ppm: int) -> str:
    """Parts per million as a percentage with two decimals."""
    return format_decimal(divide_half_up(ppm, 100), 2)
