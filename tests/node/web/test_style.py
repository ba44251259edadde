"""The one style sheet: reads from either side, in the dark, on paper; fetches nothing."""

import re

import pytest

from node.web.static_files import files_version, load_files
from tests.node.web.conftest import Browser

STYLE = load_files()["rochdale.css"].content.decode()
ONE_SIDED = re.compile(r"(?<![\w-])((margin|padding|border)-(left|right)|left|right|float)\s*:|text-align:\s*right")


def test_no_rule_knows_left_or_right() -> None:
    assert ONE_SIDED.findall(STYLE) == []
    assert ONE_SIDED.findall("p { margin-left: 1px; text-align: right }") != []


def test_nothing_is_fetched_by_the_style() -> None:
    assert "url(" not in STYLE
    assert "@import" not in STYLE


@pytest.mark.parametrize("name", sorted(set(re.findall(r"var\((--[\w-]+)\)", STYLE))))
def test_every_colour_that_is_used_is_given(name: str) -> None:
    assert f"{name}:" in STYLE


async def test_the_files_are_served_with_their_type_and_may_be_kept(browser: Browser) -> None:
    for name, kind in (("rochdale.css", "text/css"), ("mark.svg", "image/svg+xml")):
        answer = await browser.get(f"/static/{name}")
        assert (answer.status, answer.content_type) == (200, kind)
        assert "max-age" in answer.headers["Cache-Control"]


def test_the_version_changes_with_a_file() -> None:
    files = load_files()
    changed = {**files, "rochdale.css": files["mark.svg"]}
    assert files_version(files) == files_version(dict(reversed(files.items())))
    assert files_version(files) != files_version(changed)
