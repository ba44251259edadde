"""The form of the first day: what it takes, what it refuses, and from whom."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import FormData
from aiohttp.test_utils import TestClient, TestServer

from node.clock import Clock
from node.config import Config
from node.use_cases.context import Node
from node.use_cases.home import init_home, open_node
from node.web import forms
from node.web.failures import tell_refusal
from node.web.frame import name_of
from node.web.server import build_application
from protocol.core.errors import Finding, RefusedError
from storage.private import till_lines
from tests.node.web.conftest import Browser, open_to_all
from tests.node.web.page_reader import read_page

GOOD_FILE = b"""date,product,name,quantity,amount,phone
2017-01-31,loaf,Wheat loaf,1,3.41,555-0100
2017-01-31,milk,Milk,1,1.29,555-0101
"""
BAD_FILE = GOOD_FILE + b"2017-01-31,milk,Milk,<script>,1.29,555-0101\n" * 30


class Visitor:
    """Somebody with a browser at an empty home."""

    def __init__(self, browser: Browser, node: Node) -> None:
        self.browser = browser
        self.node = node

    @property
    def name(self) -> str:
        """What the co-op is called by now."""
        return name_of(self.node)

    @property
    def lines(self) -> int:
        """How many till lines its home holds."""
        return till_lines.line_count(self.node.database.reader)

    async def token(self) -> str:
        """Open the page and read the token of its form."""
        page = read_page(await (await self.browser.get("/first-day")).text())
        return page.attributes["input"]["value"]

    async def send(self, form: FormData, **headers: str) -> tuple[int, str]:
        """Send the form: status and words of the answer."""
        answer = await self.browser.post("/first-day", data=form, headers=headers)
        page = read_page(await answer.text())
        assert page.findings == []
        return answer.status, page.text


def form_of(token: str, name: str = "", file: bytes | None = None, file_name: str = "march.csv") -> FormData:
    """The form as a browser sends it: an empty file part when none was chosen."""
    form = FormData(default_to_multipart=True)
    form.add_field("form-token", token)
    form.add_field("name", name)
    form.add_field("file", file or b"", filename=file_name if file is not None else "", content_type="text/csv")
    return form


@pytest.fixture
async def home(tmp_path: Path) -> AsyncIterator[Node]:
    """An empty home."""
    config = Config(home=tmp_path / "home")
    await init_home(config, Clock())
    node = open_node(config, Clock())
    yield node
    node.database.close()


def visit(node: Node) -> Browser:
    """A browser at this home's own pages."""
    return TestClient(TestServer(build_application(node, {}, "token")))


@pytest.fixture
async def visitor(home: Node) -> AsyncIterator[Visitor]:
    """A visitor of an empty home."""
    async with visit(home) as browser:
        yield Visitor(browser, home)


async def test_a_name_and_a_file_show_what_is_wanted_most(visitor: Visitor) -> None:
    status, text = await visitor.send(form_of(await visitor.token(), "Southgate", GOOD_FILE))
    assert status == 200
    assert (visitor.name, visitor.lines) == ("Southgate", 2)
    assert "march.csv : 2 lines read, all of them new. Thrown away before anything was kept: phone" in text
    assert "Wheat loaf" in text and "555-0100" not in text


async def test_a_name_alone_is_enough(visitor: Visitor) -> None:
    status, text = await visitor.send(form_of(await visitor.token(), "Southgate"))
    assert (status, visitor.name) == (200, "Southgate")
    assert "Good day, Southgate" in text


async def test_a_bad_file_is_refused_with_line_column_and_reason(visitor: Visitor) -> None:
    status, text = await visitor.send(form_of(await visitor.token(), "", BAD_FILE))
    assert (status, visitor.lines) == (422, 0)
    assert "Nothing was taken. march.csv: nothing was imported" in text
    assert "line 17, column quantity : '<script>' is not a number" in text
    assert "… and 10 more." in text


@pytest.mark.parametrize(("name", "file"), [("Southgate", BAD_FILE), ("x" * 81, GOOD_FILE)], ids=["file", "name"])
async def test_where_one_of_two_is_refused_neither_is_taken(visitor: Visitor, name: str, file: bytes) -> None:
    status, text = await visitor.send(form_of(await visitor.token(), name, file))
    assert (status, visitor.name, visitor.lines) == (422, "", 0) and "Nothing was taken." in text


async def test_an_empty_form_is_refused(visitor: Visitor) -> None:
    status, text = await visitor.send(form_of(await visitor.token()))
    assert status == 422
    assert "neither a name nor a file was given" in text


@pytest.mark.parametrize("token", ["", "0" * 64, "ä"])
async def test_a_form_without_its_token_is_refused(visitor: Visitor, token: str) -> None:
    await visitor.token()
    status, text = await visitor.send(form_of(token, "Mallory", GOOD_FILE))
    assert status == 422
    assert "opened too long ago or elsewhere" in text
    assert (visitor.name, visitor.lines) == ("", 0)


async def test_a_token_without_the_cookie_it_belongs_to_is_refused(visitor: Visitor) -> None:
    token = await visitor.token()
    visitor.browser.session.cookie_jar.clear()
    status, _ = await visitor.send(form_of(token, "Mallory"))
    assert (status, visitor.name) == (422, "")


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
async def test_a_form_from_another_site_is_refused(visitor: Visitor, headers: dict[str, str]) -> None:
    status, text = await visitor.send(form_of(await visitor.token(), "Mallory"), **headers)
    assert (status, visitor.name) == (422, "")
    assert "sent from another site" in text


async def test_a_form_of_our_own_origin_is_taken(visitor: Visitor) -> None:
    origin = str(visitor.browser.make_url("/").origin())
    status, _ = await visitor.send(form_of(await visitor.token(), "Southgate"), Origin=origin)
    assert (status, visitor.name) == (200, "Southgate")


async def test_a_file_that_is_too_big_is_refused_before_it_is_read(
    visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forms, "FILE_BYTES_MAX", 100)
    token = await visitor.token()
    status, text = await visitor.send(form_of(token, "", b"date," + b"x" * 100))
    assert status == 413
    assert "That is too big" in text
    status, _ = await visitor.send(form_of(token, "", b"date," + b"x" * 200_000))
    assert (status, visitor.lines) == (413, 0)


async def test_a_field_that_is_too_long_is_refused(visitor: Visitor) -> None:
    status, _ = await visitor.send(form_of(await visitor.token(), "x" * 5_000))
    assert (status, visitor.name) == (413, "")


async def test_a_second_file_is_refused(visitor: Visitor) -> None:
    form = form_of(await visitor.token(), "", GOOD_FILE)
    form.add_field("file", GOOD_FILE, filename="april.csv")
    status, text = await visitor.send(form)
    assert (status, visitor.lines) == (422, 0)
    assert "one file at a time" in text


async def test_a_form_that_is_not_multipart_is_refused(visitor: Visitor) -> None:
    answer = await visitor.browser.post("/first-day", data={"name": "Southgate"})
    assert (answer.status, visitor.name) == (415, "")


async def test_a_broken_multipart_body_is_refused(visitor: Visitor) -> None:
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    answer = await visitor.browser.post("/first-day", data=b"--x\r\nbroken", headers=headers)
    assert answer.status == 422
    assert visitor.name == ""


async def test_the_cookie_is_kept_from_scripts_and_other_sites(visitor: Visitor) -> None:
    answer = await visitor.browser.get("/first-day")
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie


async def test_a_node_open_to_the_network_takes_the_form_only_on_its_own_machine(home: Node) -> None:
    node = open_to_all(home)
    async with visit(node) as browser:
        visitor = Visitor(browser, node)
        status, text = await visitor.send(form_of(await visitor.token(), "Mallory"), Host="oak.example")
        assert (status, visitor.name) == (403, "")
        assert "That is not allowed" in text
        status, _ = await visitor.send(form_of(await visitor.token(), "Southgate"))
        assert (status, visitor.name) == (200, "Southgate")


def test_a_refusal_does_not_say_its_only_finding_twice() -> None:
    assert tell_refusal(RefusedError.at("name", "is taken")) == {
        "refusal": "name: is taken",
        "findings": (),
        "findings_left_off": 0,
    }
    many = tell_refusal(RefusedError("no", [Finding(f"line {number}", "is none") for number in range(25)]))
    assert (len(many["findings"]), many["findings_left_off"]) == (20, 5)
