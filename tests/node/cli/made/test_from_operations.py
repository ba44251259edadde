"""A command made of an operation sends what was typed, and only that, and tells the answer in the operation's words."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import pytest

from node import operations
from node.cli.command_tree import hang_commands, read_index
from node.cli.main import rochdale
from node.use_cases.context import Desk, DeskOperation, Node, Operation
from node.use_cases.description import (
    KEY,
    LINE,
    LINES_TOLD,
    PLACE,
    Command,
    Out,
    Rows,
    help_of,
    in_file,
    name_of,
    tell_rows,
    tell_some,
    typed,
)
from tests.node.cli.command_line import Run


class Shape(msgspec.Struct):
    """Something of two sides."""

    sides: tuple[int, int]


class EchoParams(msgspec.Struct, kw_only=True):
    """One of each that can be typed."""

    word: str
    sort: Literal["plain", "fancy"] = "plain"
    often: Annotated[int, msgspec.Meta(ge=1, le=9), help_of("How often.")] = 2
    loud: Annotated[bool, help_of("Loudly."), typed("--aloud")] = False
    sure: Annotated[bool, help_of("How sure."), typed("--sure/--unsure")] = True
    shares: Annotated[dict[str, int], help_of("A share."), typed("--share GOOD=PERCENT")] = msgspec.field(
        default_factory=dict
    )
    floors: Annotated[dict[str, str], help_of("A floor."), typed("--floor GOOD=AMOUNT")] = msgspec.field(
        default_factory=lambda: {"oats": "1"}
    )
    shape: Annotated[Shape | None, help_of("A shape.")] = None
    place: Annotated[str, PLACE, help_of("Where.")] = ""
    card: Annotated[str, LINE, help_of("A card.")] = ""
    keys: Annotated[tuple[Annotated[str, KEY], ...], typed("KEY...")] = ()


class Echo(msgspec.Struct):
    """What arrived."""

    params: EchoParams
    word: str


async def echo(_: Node, params: EchoParams) -> Echo:
    """What came in goes out."""
    return Echo(params, params.word)


def tell_echo(answer: Echo) -> Iterator[str | Rows]:
    """A sentence and a table."""
    yield f"You said {answer.params.word}."
    yield Rows(("good", "floor"), list(answer.params.floors.items()))


ECHO = Operation(
    "made.echo",
    EchoParams,
    echo,
    "Says WORD, to all KEY.",
    writes=False,
    tell=tell_echo,
    command=Command(
        "made echo",
        ("word", "keys"),
        group="Made up.",
        also=("made again",),
        ends=lambda answer: len(answer.params.word),
        files=(Out("--word", "Write the word.", lambda answer: answer.params.word, beside=True),),
        lines=lambda answer: [("good", "floor"), *answer.params.floors.items()],
    ),
)
WHOLE = Operation(
    "made.whole",
    EchoParams,
    echo,
    "Says what is in FILE.",
    tell=tell_echo,
    command=Command("made whole", is_from_file=True),
)


class ReadParams(msgspec.Struct, kw_only=True):
    """Files that are read, one of them with its name."""

    content: Annotated[bytes, in_file(8), typed("FILE")]
    name: Annotated[str, msgspec.Meta(max_length=6), name_of("content")]
    beside: Annotated[tuple[tuple[Annotated[str, in_file(8)], int], ...], help_of("A text, and a number.")] = ()


class ReadAnswer(msgspec.Struct, frozen=True):
    """What arrived, and at which desk."""

    params: ReadParams
    home: str


def read_at_desk(desk: Desk, params: ReadParams) -> ReadAnswer:
    """What came in goes out, without a node."""
    watch = desk.watch("letters")
    watch(1, 2)
    return ReadAnswer(params, str(desk.home))


def tell_read(answer: ReadAnswer) -> Iterator[str]:
    """Only the file's name."""
    yield f"Read {answer.params.name}."


def make_reading(words: str, *files: Out) -> DeskOperation:
    return DeskOperation(
        f"made.{words.split()[-1]}",
        ReadParams,
        read_at_desk,
        "Reads FILE.",
        tell=tell_read,
        command=Command(words, ("content",), files=files),
    )


PART = Out("--part", "Its content.", pick=lambda answer: answer.params.content, beside=True)
READ = make_reading("made read", Out("--out", "All of it."), PART)
HANDED = make_reading("made hand", Out("--out", "All of it.", needed=True))


OPERATIONS = (ECHO, WHOLE, READ, HANDED)
COMMANDS_INDEX = "made\t\tMade up.\n" + "".join(
    f"made {name}\t{__name__}\t\n" for name in ("echo", "again", "whole", "read", "hand")
)


@pytest.fixture(autouse=True)
def made_operations(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A node of which the indexes say that this module has operations too, and a folder with files to name."""
    (tmp_path / "commands").write_text(COMMANDS_INDEX)
    (tmp_path / "operations").write_text("".join(f"{one.name}\t{__name__}\n" for one in OPERATIONS))
    monkeypatch.setattr(operations, "INDEX", tmp_path / "operations")
    hang_commands(rochdale, read_index(tmp_path / "commands"))
    monkeypatch.chdir(tmp_path)
    yield
    del rochdale.commands["made"]


def plain_of(params: EchoParams) -> Any:
    return json.loads(msgspec.json.encode(params))


def test_what_was_left_out_is_the_operations_own_default(at_home: Run) -> None:
    assert at_home("made", "echo", "", "--json").answer["params"] == plain_of(EchoParams(word=""))


def test_each_type_is_typed_in_its_way(at_home: Run, tmp_path: Path) -> None:
    (tmp_path / "shape.json").write_text('{"sides": [3, 4]}')
    (tmp_path / "card").write_text("rochdale-peer:x")
    (tmp_path / "key").write_text("abc\n")
    words = "--sort fancy --often 9 --aloud --unsure --share oats=7 --floor milk=4 --floor a=b=2.5"
    words += " --shape shape.json --place here --card card"
    sent = at_home("made", "echo", "", *words.split(), "a+b", "key", "--json").answer["params"]
    assert sent == {
        "word": "",
        "sort": "fancy",
        "often": 9,
        "loud": True,
        "sure": False,
        "shares": {"oats": 7},
        "floors": {"milk": "4", "a=b": "2.5"},
        "shape": {"sides": [3, 4]},
        "place": str(tmp_path / "here"),
        "card": "rochdale-peer:x",
        "keys": ["a+b", "abc"],
    }


@pytest.mark.parametrize(
    "words, code, reason",
    {
        "a pair that is none": (["--floor", "milk"], 1, "--floor: is not GOOD=AMOUNT, as in milk=40"),
        "a pair without a value": (["--floor", "milk="], 1, "--floor: is not GOOD=AMOUNT"),
        "a number in a pair that is none": (["--share", "milk=x"], 1, "--share: milk: 'x' is not a valid integer"),
        "a number beyond its bounds": (["--often", "10"], 2, "10 is not in the range 1<=x<=9"),
        "a word that is no choice": (["--sort", "odd"], 2, "'odd' is not one of"),
        "a file that is not there": (["--shape", "gone.json"], 1, "gone.json"),
        "a file that says something else": (["--shape", "wrong.json"], 1, "wrong.json: Expected `object`, got `array`"),
    }.values(),
)
def test_what_cannot_be_is_refused_at_its_place(
    at_home: Run, tmp_path: Path, words: list[str], code: int, reason: str
) -> None:
    (tmp_path / "wrong.json").write_text("[]")
    told = at_home("made", "echo", "", *words)
    assert told.code == code and reason in told.err


def test_people_read_the_operations_words_and_the_answer_says_how_it_ends(at_home: Run) -> None:
    told = at_home("made", "again", "abc", "--floor", "milk=4")
    assert told.code == 3 and told.out.splitlines()[0] == "You said abc."
    assert told.out.split()[-4:] == ["good", "floor", "milk", "4"]


def test_a_text_of_the_answer_goes_to_a_file_and_its_lines_to_a_spreadsheet(at_home: Run, tmp_path: Path) -> None:
    told = at_home("made", "echo", "abc", "--word", "said.txt", "--csv", "--floor", "=x=4")
    assert (tmp_path / "said.txt").read_text() == "abc" and told.out.splitlines() == ["good,floor", "'=x,4"]
    assert at_home("made", "echo", "abc", "--csv", "--json").json["word"] == "abc"


def test_a_file_that_cannot_be_made_is_refused_before_anything_is_done(at_home: Run, tmp_path: Path) -> None:
    gone = tmp_path / "gone" / "said.txt"
    told = at_home("made", "echo", "abc", "--word", gone)
    assert told == (1, "", f"{gone}: its folder is not there or cannot be written to; nothing was changed\n")


def test_a_line_is_found_among_the_words_that_were_saved_with_it(at_home: Run, tmp_path: Path) -> None:
    (tmp_path / "saved.txt").write_text("Send them this line:\r\n\r\nrochdale-peer:x\r\nyz\r\n\r\nBye\r\n")
    params = at_home("made", "echo", "", "--card", "saved.txt", "--json").answer["params"]
    assert params["card"] == "rochdale-peer:x\nyz"


def test_a_whole_file_is_all_parameters(at_home: Run, tmp_path: Path) -> None:
    whole: dict[str, Any] = {"word": "from a file", "often": 3}
    (tmp_path / "whole.json").write_text(json.dumps(whole))
    sent = at_home("made", "whole", "whole.json", "--json").answer["params"]
    assert sent == plain_of(EchoParams(**whole))
    (tmp_path / "whole.json").write_text('{"often": 3}')
    assert "missing required field `word`" in at_home("made", "whole", "whole.json").err


@pytest.fixture
def letters(tmp_path: Path) -> Path:
    """A small file."""
    path = tmp_path / "letters.txt"
    path.write_bytes(b"abc\xff")
    return path


def test_a_file_is_read_where_it_is_typed_and_no_home_is_needed(rochdale: Run, home: Path, letters: Path) -> None:
    (letters.parent / "words").write_text("words")
    words = ("made", "read", letters.name, "--beside", "words", 3, "--beside", "words", 4)
    said = rochdale(*words, "--json").answer
    beside = [["words", 3], ["words", 4]]
    assert said == {"params": {"content": "YWJj/w==", "name": "letter", "beside": beside}, "home": str(home)}
    assert rochdale(*words).out == "Read letter.\n"
    assert not home.exists()


@pytest.mark.parametrize(
    "content, reason",
    [(None, "letters.txt: No such file or directory"), (b"123456789", "letters.txt: more than 8 bytes")],
    ids=["no file", "a file that is too long"],
)
def test_a_file_that_cannot_be_read_is_refused_by_its_name(
    rochdale: Run, letters: Path, content: bytes | None, reason: str
) -> None:
    letters.unlink()
    if content is not None:
        letters.write_bytes(content)
    told = rochdale("made", "read", letters.name)
    assert (told.code, told.out, told.err) == (1, "", f"{reason}\n")


def test_a_text_is_no_other_bytes(rochdale: Run, letters: Path) -> None:
    told = rochdale("made", "read", letters.name, "--beside", letters.name, 3)
    assert (told.code, told.err) == (1, "letters.txt: is not text\n")


def test_an_answer_goes_into_a_new_file_in_place_of_the_terminal(rochdale: Run, letters: Path, tmp_path: Path) -> None:
    out, part = tmp_path / "out.json", tmp_path / "part"
    told = rochdale("made", "read", letters.name, "--out", out, "--part", part)
    assert (told.code, told.out) == (0, f"Written to {out}.\nWritten to {part}.\n")
    assert json.loads(out.read_bytes())["params"]["name"] == "letter"
    assert part.read_bytes() == b"abc\xff" and out.stat().st_mode & 0o077 == 0
    again = rochdale("made", "read", letters.name, "--part", part)
    assert (again.code, again.out) == (1, "") and "there is a file already; nothing was changed" in again.err
    twice = rochdale("made", "read", letters.name, "--out", "both", "--part", tmp_path / "both")
    assert twice.code == 1 and "both: is named twice: each needs a file of its own" in twice.err
    assert not (tmp_path / "both").exists()
    part.unlink()
    assert rochdale("made", "read", letters.name, "--part", part).out == f"Read letter.\nWritten to {part}.\n"
    assert rochdale("made", "hand", letters.name).code == 2
    part.unlink()
    assert rochdale("made", "hand", letters.name, "--out", part, "--json").answer == {"file": str(part)}


def test_a_part_that_is_empty_is_not_written(rochdale: Run, letters: Path, tmp_path: Path) -> None:
    letters.write_bytes(b"")
    assert rochdale("made", "read", letters.name, "--part", tmp_path / "part").out == "Read letter.\n"
    assert not (tmp_path / "part").exists()


def test_long_lists_are_cut_for_people_and_say_how_much_is_left() -> None:
    lines = [str(number) for number in range(LINES_TOLD + 2)]
    assert list(tell_some(lines[:LINES_TOLD])) == lines[:LINES_TOLD]
    assert list(tell_some(lines))[LINES_TOLD:] == ["and 2 more; --json lists them."]
    assert list(tell_some(lines, left_off=5))[LINES_TOLD:] == ["and 7 more."]
    rows, more = tell_rows(("line",), [(line,) for line in lines])
    assert isinstance(rows, Rows) and len(rows.rows) == LINES_TOLD and more == "and 2 more; --json lists them."
