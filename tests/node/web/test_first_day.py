"""The form of the first day: what it takes, what it refuses, and from whom."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import FormData

from node.web import forms
from node.web.failures import tell_refusal
from protocol.core.errors import Finding, RefusedError
from tests.node.web.conftest import Browser, build_client
from tests.node.web.example import ExampleSources
from tests.node.web.page_reader import read_page

GOOD_FILE = b"date,product,quantity,amount\n2017-01-31,loaf,1,3.41\n"


class Visitor:
    """Somebody with a browser at an empty home."""

    def __init__(self, browser: Browser, sources: ExampleSources) -> None:
        self.browser = browser
        self.sources = sources

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
async def visitor(tmp_path: Path) -> AsyncIterator[Visitor]:
    """A visitor of an empty home."""
    sources = ExampleSources(is_empty=True)
    async with build_client(tmp_path, sources) as browser:
        yield Visitor(browser, sources)


async def test_a_name_and_a_file_show_what_is_wanted_most(visitor: Visitor) -> None:
    status, text = await visitor.send(form_of(await visitor.token(), "Southgate", GOOD_FILE))
    assert status == 200
    assert visitor.sources.name == "Southgate"
    assert visitor.sources.files == [("march.csv", GOOD_FILE)]
    assert "march.csv : 2 lines read, all of them new. Thrown away before anything was kept: customer name" in text
    assert "Wheat loaf, 1 kg" in text


async def test_a_name_alone_is_enough(visitor: Visitor) -> None:
    status, text = await visitor.send(form_of(await visitor.token(), "Southgate"))
    assert (status, visitor.sources.name) == (200, "Southgate")
    assert "Good day, Southgate" in text


async def test_a_bad_file_is_refused_with_line_column_and_reason(visitor: Visitor) -> None:
    status, text = await visitor.send(form_of(await visitor.token(), "", b"what is this\n"))
    assert status == 422
    assert visitor.sources.files == []
    assert "Nothing was taken. 3 rows cannot be read" in text
    assert "line 17, column quantity : '<script>alert('x')</script> & \"Söhne\" <b>' is not a number" in text
    assert "… and 10 more." in text


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
    assert (visitor.sources.name, visitor.sources.files) == ("", [])


async def test_a_token_without_the_cookie_it_belongs_to_is_refused(visitor: Visitor) -> None:
    token = await visitor.token()
    visitor.browser.session.cookie_jar.clear()
    status, _ = await visitor.send(form_of(token, "Mallory"))
    assert (status, visitor.sources.name) == (422, "")


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
    assert (status, visitor.sources.name) == (422, "")
    assert "sent from another site" in text


async def test_a_form_of_our_own_origin_is_taken(visitor: Visitor) -> None:
    origin = str(visitor.browser.make_url("/").origin())
    status, _ = await visitor.send(form_of(await visitor.token(), "Southgate"), Origin=origin)
    assert (status, visitor.sources.name) == (200, "Southgate")


async def test_a_file_that_is_too_big_is_refused_before_it_is_read(
    visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forms, "FILE_BYTES_MAX", 100)
    token = await visitor.token()
    status, text = await visitor.send(form_of(token, "", b"date," + b"x" * 100))
    assert status == 413
    assert "That is too big" in text
    status, _ = await visitor.send(form_of(token, "", b"date," + b"x" * 200_000))
    assert (status, visitor.sources.files) == (413, [])


async def test_a_field_that_is_too_long_is_refused(visitor: Visitor) -> None:
    status, _ = await visitor.send(form_of(await visitor.token(), "x" * 5_000))
    assert (status, visitor.sources.name) == (413, "")


async def test_a_second_file_is_refused(visitor: Visitor) -> None:
    form = form_of(await visitor.token(), "", GOOD_FILE)
    form.add_field("file", GOOD_FILE, filename="april.csv")
    status, text = await visitor.send(form)
    assert (status, visitor.sources.files) == (422, [])
    assert "one file at a time" in text


async def test_a_form_that_is_not_multipart_is_refused(visitor: Visitor) -> None:
    answer = await visitor.browser.post("/first-day", data={"name": "Southgate"})
    assert (answer.status, visitor.sources.name) == (415, "")


async def test_a_broken_multipart_body_is_refused(visitor: Visitor) -> None:
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    answer = await visitor.browser.post("/first-day", data=b"--x\r\nbroken", headers=headers)
    assert answer.status == 422
    assert visitor.sources.name == ""


async def test_the_cookie_is_kept_from_scripts_and_other_sites(visitor: Visitor) -> None:
    answer = await visitor.browser.get("/first-day")
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie


async def test_a_node_open_to_the_network_takes_the_form_only_on_its_own_machine(tmp_path: Path) -> None:
    sources = ExampleSources(is_empty=True)
    async with build_client(tmp_path, sources, web_host="0.0.0.0") as browser:
        visitor = Visitor(browser, sources)
        status, text = await visitor.send(form_of(await visitor.token(), "Mallory"), Host="oak.example")
        assert (status, sources.name) == (403, "")
        assert "That is not allowed" in text
        status, _ = await visitor.send(form_of(await visitor.token(), "Southgate"))
        assert (status, sources.name) == (200, "Southgate")


def test_a_refusal_does_not_say_its_only_finding_twice() -> None:
    assert tell_refusal(RefusedError.at("name", "is taken")) == {
        "refusal": "name: is taken",
        "findings": (),
        "findings_left_off": 0,
    }
    many = tell_refusal(RefusedError("no", [Finding(f"line {number}", "is none") for number in range(25)]))
    assert (len(many["findings"]), many["findings_left_off"]) == (20, 5)
