"""What an operation says of itself beside its name: how it is typed, where it stands as a page, what of it is read.

Invariant: what a command or a page takes is what its operation takes; each has one name, one type, one sentence.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import msgspec

from protocol.core.quantities import divide_half_up, format_decimal

LINES_TOLD: Final = 20
"""How much of a list is told to people; the answer itself has all."""
EXIT_REFUSED, EXIT_MISUSE, EXIT_UNREACHED = 1, 2, 3


class Rows(NamedTuple):
    """A table for people: the names of its columns, and its rows."""

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


class Out(NamedTuple):
    """An option of a command that names a new file for the answer (`pick` makes it), in the place of the terminal.

    One that is `beside` takes a part of the answer along, and the answer is told all the same; an empty part is not
    written. One that is `needed` keeps off the terminal what is for one reader only.
    """

    option: str
    help: str
    pick: Callable[[Any], bytes | str] = lambda answer: msgspec.json.encode(answer) + b"\n"
    beside: bool = False
    needed: bool = False


@dataclass(frozen=True)
class Command:
    """`rochdale` and these words. The parameters named in `arguments` are typed by place, all others as options.

    `example` is typed after the words at a home of its own that does not run, which ends with `code`: 0 done,
    1 refused; every command is tried so. `group` says what the group is for that the words begin with, where no
    other command has said so. With `is_from_file` the parameters together are one JSON file, the only argument.
    `also` are other words for the same. `ends` is the exit code that an answer asks for, where not each is good news.
    `files` are those that it writes if their options are given; with `lines` there is an option --csv.
    """

    words: str
    arguments: tuple[str, ...] = ()
    example: str = ""
    code: int = 0
    group: str = ""
    is_from_file: bool = False
    also: tuple[str, ...] = ()
    ends: Callable[[Any], int] = lambda _: 0
    files: tuple[Out, ...] = ()
    lines: Lines | None = None

    @property
    def is_silent(self) -> bool:
        """Whether its answer always goes into a file."""
        return any(out.needed and not out.beside for out in self.files)


@dataclass(frozen=True)
class Verb:
    """What can be asked for by name: typed parameters in, a plain value or struct out.

    People type those that have a `command`; `tell` says the answer in their words. `doc` is the sentence on it,
    wherever it stands.
    """

    name: str
    params: type[msgspec.Struct]
    run: Callable[[Any, Any], Any]
    doc: str
    tell: Tell | None = field(default=None, kw_only=True)
    command: Command | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        assert self.tell is not None or self.command is None or self.command.is_silent, f"{self.name}: nothing to read"


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


def in_file(bytes_max: int) -> msgspec.Meta:
    """The content (bytes or text) of a file of this machine, whose name is typed."""
    return msgspec.Meta(extra={"read": "file", "bytes_max": bytes_max})


def name_of(parameter: str) -> msgspec.Meta:
    """The name of the file that this other parameter was read from: nobody types it."""
    return msgspec.Meta(extra={"name_of": parameter})


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


def tell_some(lines: Sequence[str], left_off: int = 0) -> Iterator[str]:
    """The first lines of a list that may be long, and how many more there are; the answer lacks `left_off`."""
    yield from lines[:LINES_TOLD]
    yield from _tell_more(len(lines), left_off)


def tell_rows(columns: Sequence[str], rows: Sequence[Sequence[object]], left_off: int = 0) -> Iterator[str | Rows]:
    """The first rows of a table that may be long, and how many more there are."""
    yield Rows(columns, rows[:LINES_TOLD])
    yield from _tell_more(len(rows), left_off)


def _tell_more(number: int, left_off: int) -> Iterator[str]:
    more = max(0, number - LINES_TOLD) + left_off
    if more:
        yield f"and {more} more." if left_off else f"and {more} more; --json lists them."
