"""How a command reaches its node: through the running process if there is one, else by opening the home itself."""

import asyncio
import contextlib
import json
import logging
import sys
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import msgspec
import structlog

from node.clock import Clock
from node.config import Config
from node.operations import OPERATIONS
from node.use_cases.home import is_home, open_config, open_node
from protocol.core.errors import Finding, PeerError, RefusedError, RochdaleError
from storage.home_lock import HomeLock

ANSWER_WAIT_S = 600
ANSWER_BYTES_MAX = 256 * 1024 * 1024
EXIT_REFUSED, EXIT_MISUSE, EXIT_UNREACHED = 1, 2, 3

Human = Callable[[Any], None]


class Context(msgspec.Struct):
    """What every command knows: the home and whether to answer in JSON."""

    home: Path
    as_json: bool


def call(home: Path, operation: str, params: msgspec.Struct | dict[str, Any]) -> Any:
    """Run an operation and give its answer as plain JSON values; RefusedError or PeerError as the node said it."""
    payload = msgspec.json.encode(params)
    running = _read_running(home)
    if running is not None:
        with contextlib.suppress(ConnectionError):
            return _ask(running, operation, payload)
    return asyncio.run(_run_here(home, operation, payload))


def run_command(context: Context, operation: str, params: msgspec.Struct | dict[str, Any], human: Human) -> Any:
    """Run an operation and print its answer: one JSON object with --json, else what `human` prints."""
    with exit_codes(context.as_json):
        answer = call(context.home, operation, params)
        if context.as_json:
            click.echo(json.dumps(answer, ensure_ascii=False))
        else:
            human(answer)
        return answer


@contextlib.contextmanager
def exit_codes(as_json: bool) -> Any:
    """Turn errors into exit codes: 1 refused, 2 misuse, 3 a peer that could not be reached or did wrong."""
    try:
        yield
    except RefusedError as error:
        _print_error(str(error), error.findings, as_json)
        sys.exit(EXIT_REFUSED)
    except (PeerError, OSError) as error:
        _print_error(str(error), (), as_json)
        sys.exit(EXIT_UNREACHED)
    except RochdaleError as error:
        _print_error(str(error), (), as_json)
        sys.exit(EXIT_MISUSE)


def quiet_logs() -> None:
    """Logs of a short command: warnings only, on stderr."""
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


def _print_error(reason: str, findings: tuple[Finding, ...], as_json: bool) -> None:
    listed = [{"place": finding.place, "reason": finding.reason} for finding in findings]
    if as_json:
        click.echo(json.dumps({"error": reason, "findings": listed}, ensure_ascii=False))
        return
    click.echo(reason, err=True)
    for finding in findings:
        if str(finding) != reason:
            click.echo(f"  {finding}", err=True)


def _read_running(home: Path) -> dict[str, Any] | None:
    try:
        found = json.loads((home / "run.json").read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) and {"address", "token"} <= found.keys() else None


def _ask(running: dict[str, Any], operation: str, payload: bytes) -> Any:
    request = urllib.request.Request(  # noqa: S310 - the address is this home's own, on loopback
        f"{running['address']}api/v1/{operation}",
        data=payload,
        headers={"Authorization": f"Bearer {running['token']}", "Content-Type": "application/json"},
    )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=ANSWER_WAIT_S) as answer:
            return json.loads(answer.read(ANSWER_BYTES_MAX))
    except urllib.error.HTTPError as error:
        raise _read_problem(error) from None
    except urllib.error.URLError as error:
        raise ConnectionError(str(error.reason)) from None


def _read_problem(error: urllib.error.HTTPError) -> RochdaleError:
    try:
        problem = json.loads(error.read(ANSWER_BYTES_MAX))
        findings = tuple(Finding(one["place"], one["reason"]) for one in problem.get("findings", ()))
        reason = problem.get("detail") or problem.get("title") or str(error)
    except (ValueError, KeyError, TypeError, AttributeError):
        reason, findings = f"the node answered {error.code}", ()
    if error.code in (502, 504):
        return PeerError(reason)
    return RefusedError(reason, findings)


async def _run_here(home: Path, operation: str, payload: bytes) -> Any:
    if not is_home(home):
        raise RefusedError.at(str(home), "no home here; `rochdale init` makes one")
    config: Config = open_config(home)
    lock = HomeLock.take(home)
    try:
        node = open_node(config, Clock())
        try:
            found = OPERATIONS[operation]
            try:
                params = msgspec.json.decode(payload, type=found.params)
            except msgspec.ValidationError as error:
                raise RefusedError.at(operation, str(error)) from None
            return msgspec.to_builtins(await found.run(node, params))
        finally:
            node.database.close()
    finally:
        lock.release()
