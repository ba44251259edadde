"""The API: whoever holds the token may run operations; bad input is answered with problem+json and findings."""

import asyncio
from typing import Any

import pytest

from node.use_cases.context import Node
from node.web.api import calls
from tests.node.web.conftest import TOKEN, Browser, build_client

BEARER = {"Authorization": f"Bearer {TOKEN}"}


async def call(browser: Browser, params: Any, name: str = "greet", **headers: str) -> tuple[int, Any, str]:
    """Call an operation: status, what it answered, and the content type of that."""
    answer = await browser.post(f"/api/v1/{name}", json=params, headers=headers or BEARER)
    return answer.status, await answer.json(content_type=None), answer.content_type


async def test_an_operation_runs_with_its_parameters_checked(browser: Browser) -> None:
    assert await call(browser, {"name": "Ada", "times": 2, "content": "AAEC"}) == (
        200,
        {"said": ["Good day, Ada"] * 2, "bytes": 3},
        "application/json",
    )


@pytest.mark.parametrize(
    "authorization",
    ["", "Bearer", "Bearer wrong", f"Basic {TOKEN}", TOKEN, f"Bearer {TOKEN}x", "Bearer ä"],
)
async def test_without_the_token_nothing_runs(browser: Browser, authorization: str) -> None:
    status, problem, kind = await call(browser, {"name": "Ada"}, Authorization=authorization)
    assert (status, kind, problem["status"]) == (401, "application/problem+json", 401)
    assert (await browser.get("/api/v1", headers={"Authorization": authorization})).status == 401


async def test_a_token_that_is_no_text_is_a_wrong_one(browser: Browser) -> None:
    reader, writer = await asyncio.open_connection(browser.server.host, browser.server.port)
    request = f"GET /api/v1 HTTP/1.1\r\nHost: {browser.server.host}\r\nAuthorization: Bearer \xe9\r\n\r\n"
    writer.write(request.encode("latin-1"))
    assert await reader.readline() == b"HTTP/1.1 401 Unauthorized\r\n"
    writer.close()
    await writer.wait_closed()


async def test_a_server_without_a_token_authorizes_nobody(spare_node: Node) -> None:
    async with build_client(spare_node, token="") as browser:
        assert (await call(browser, {"name": "Ada"}, Authorization="Bearer "))[0] == 401


@pytest.mark.parametrize(
    ("params", "status", "reason"),
    [
        ({"name": "refused"}, 422, "name: nobody is called that"),
        ({"name": 7}, 422, "name: Expected `str`, got `int`"),
        ({}, 422, "missing required field `name`"),
        ([], 422, "greet: Expected `object`"),
        ({"name": "peer"}, 502, "the peer sent a wrong root"),
    ],
)
async def test_what_is_refused_says_why(browser: Browser, params: Any, status: int, reason: str) -> None:
    answered, problem, kind = await call(browser, params)
    assert (answered, kind) == (status, "application/problem+json")
    assert reason in problem["detail"]
    if status == 422:
        assert [finding.keys() for finding in problem["findings"]] == [{"place", "reason"}]


@pytest.mark.parametrize("name", ["broken", "no key"])
async def test_an_unforeseen_error_tells_nothing_of_the_inside(browser: Browser, name: str) -> None:
    status, problem, _ = await call(browser, {"name": name})
    assert status == 500
    assert "secret" not in str(problem)
    assert "Nothing" in problem["detail"]


async def test_an_unknown_operation_is_said_to_be_unknown(browser: Browser) -> None:
    status, problem, _ = await call(browser, {}, "no-such")
    assert (status, problem["title"]) == (404, "There is no such operation")


@pytest.mark.parametrize(("body", "status"), [(b"{", 400), (b"[" * 100_000, 400), (b"\xff\xfe", 400)])
async def test_a_body_that_is_not_json_is_refused(browser: Browser, body: bytes, status: int) -> None:
    headers = {**BEARER, "Content-Type": "application/json"}
    answer = await browser.post("/api/v1/greet", data=body, headers=headers)
    assert answer.status == status
    assert answer.content_type == "application/problem+json"
    assert (await answer.json(content_type=None))["detail"].startswith("the body is not JSON: ")


async def test_a_body_that_is_not_packed_as_it_says_is_refused(browser: Browser) -> None:
    headers = {**BEARER, "Content-Type": "application/json", "Content-Encoding": "gzip"}
    answer = await browser.post("/api/v1/greet", data=b"{}", headers=headers)
    assert (answer.status, answer.content_type) == (400, "application/problem+json")


async def test_a_body_of_another_kind_is_refused(browser: Browser) -> None:
    answer = await browser.post("/api/v1/greet", data=b"{}", headers=BEARER)
    assert answer.status == 415


async def test_a_body_that_is_too_big_is_refused(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls, "BODY_BYTES_MAX", 1_000)
    status, problem, _ = await call(browser, {"name": "x" * 2_000})
    assert (status, problem["title"]) == (413, "That is too big")


async def test_the_operations_are_listed_with_their_parameters(browser: Browser) -> None:
    listed = (await (await browser.get("/api/v1", headers=BEARER)).json())["operations"]
    assert [(one["name"], one["doc"], one["writes"]) for one in listed] == [("greet", "Greets.", False)]
    assert "name" in str(listed[0]["params"])


async def test_a_path_of_the_api_that_is_not_there_answers_a_problem(browser: Browser) -> None:
    answer = await browser.get("/api/v2/greet")
    assert (answer.status, answer.content_type) == (404, "application/problem+json")
