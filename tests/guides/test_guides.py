"""What guides, pages and templates tell people to type can be typed: commands, options, settings."""

import re
import shlex
from pathlib import Path

import click
import pytest

from node.cli.main import rochdale
from node.config import Config
from scripts.reference.commands_page import load_tree

ROOT = Path(__file__).resolve().parents[2]
# commands.md and api.md are written from the commands themselves.
PAGES = sorted(
    page for page in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")] if page.name not in ("commands.md", "api.md")
)
TEMPLATES = sorted((ROOT / "node" / "web").rglob("*.html"))
TYPED = re.compile(r"(?:^|`|/bin/|<code>)rochdale ([a-z-][^`<\n]*)", re.MULTILINE)
FILLED = re.compile(r"{{.*?}}|{%.*?%}")
# What stands after a command to explain it: a remark, where its output goes, what is left out.
REMARK = re.compile(r" {2,}.*| #.*| > .*|( --[a-z-]+)? …|…|[\[\]]")
NO_COMMANDS = {"signed"}
"""The first line of a file that begins so."""
TYPED_LEAST = 80
TREE = load_tree()


def list_typed(text: str) -> list[str]:
    """The commands in a page, without what stands beside them."""
    found = [REMARK.sub("", words).strip() for words in TYPED.findall(FILLED.sub("VALUE", text))]
    return [words for words in found if words and words not in NO_COMMANDS]


def audit_typed(words: str) -> str:
    """Why a command cannot be typed like that, empty where it can; files and values are not looked at."""
    command: click.Command = TREE
    context = click.Context(rochdale, **rochdale.context_settings)
    left = shlex.split(words)
    while isinstance(command, click.Group) and left and not left[0].startswith("-"):
        name = left.pop(0)
        if name not in command.commands:
            return f"there is no {name}"
        command = command.commands[name]
        context = click.Context(command, parent=context, info_name=name)
    try:
        _, too_many, _ = command.make_parser(context).parse_args(left)
    except click.UsageError as error:
        return error.format_message()
    return f"nothing takes {too_many[0]}" if too_many else ""


@pytest.mark.parametrize("page", [*PAGES, *TEMPLATES], ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_of_a_page_can_be_typed(page: Path) -> None:
    wrong = {words: reason for words in list_typed(page.read_text("utf-8")) if (reason := audit_typed(words))}
    assert wrong == {}


def test_the_pages_name_commands_by_the_dozen() -> None:
    assert sum(len(list_typed(page.read_text("utf-8"))) for page in PAGES) > TYPED_LEAST
    assert sum(len(list_typed(page.read_text("utf-8"))) for page in TEMPLATES) >= 6


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("plan dream", "there is no dream"),
        ("plan gave bread 9 --too north", "No such option '--too'."),
        ("init once", "nothing takes once"),
    ],
)
def test_what_cannot_be_typed_is_found(words: str, reason: str) -> None:
    assert audit_typed(words).startswith(reason.removesuffix("."))


def test_settings_that_pages_name_are_settings_and_all_of_them_are_named() -> None:
    """By their variable, or in the guide's table by the name in config.toml."""
    text = "\n".join(page.read_text("utf-8") for page in PAGES)
    variables = {name.lower() for name in re.findall(r"ROCHDALE_([A-Z_]+)", text)}
    assert variables <= set(Config.__struct_fields__)
    guide = (ROOT / "docs/guides/run.md").read_text("utf-8")
    assert [name for name in Config.__struct_fields__ if name != "home" and f"`{name}`" not in guide] == []
