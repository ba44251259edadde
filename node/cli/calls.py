"""How a command reaches its node: through the running process if there is one, else by opening the home itself.

Invariant: with --json one JSON object goes to standard output, however a command ends; people never get a traceback.
"""

import contextlib
import http.client
import json
import sqlite3
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
import msgspec

from node.cli.printing import plain
from node.use_cases.description import EXIT_MISUSE, EXIT_REFUSED, EXIT_UNREACHED
from protocol.core.errors import Finding, MisuseError, PeerError, RefusedError, RochdaleError, place_of

ANSWER_WAIT_S = 600
ANSWER_BYTES_MAX = 256 * 1024 * 1024
FINDINGS_SHOWN = 20
UNAUTHORIZED = 401
MISUSE_STATUSES = (400, 404, 405, 413, 415)
UNFORESEEN = "something went wrong in this program itself; please tell those who keep it"
BROKEN_OFF = "the running node broke off before it answered; look at `rochdale status` whether it was done"

Human = Callable[[Any], None]


class NotRunningError(Exception):
    """No node of this home listens, whatever its run file says."""


class Context(msgspec.Struct):
    """What every command knows: the home and whether to answer in JSON."""

    home: Path
    as_json: bool


def call(home: Path, operation: str, params: msgspec.Struct | dict[str, Any]) -> Any:
    """Run an operation and give its answer as plain JSON values; RefusedError or PeerError as the node said it."""
    payload = msgspec.json.encode(params)
    running = _read_running(home)
    if running is not None:
        with contextlib.suppress(NotRunningError):
            return _ask(running, operation, payload)
    # All that a home is made of is loaded only where no running node answers for it.
    from node.cli.home.opened import run_here

    return run_here(home, operation, payload)


def run_command(context: Context, operation: str, params: msgspec.Struct | dict[str, Any], human: Human) -> Any:
    """Run an operation and print its answer: one JSON object with --json, else what `human` prints."""
    with exit_codes(context.as_json):
        answer = call(context.home, operation, params)
        print_answer(context.as_json, answer, human)
        return answer


def print_answer(as_json: bool, answer: Any, human: Human) -> None:
    """One JSON object with --json, else what `human` prints."""
    if as_json:
        click.echo(json.dumps(answer, ensure_ascii=False))
    else:
        human(answer)


@contextlib.contextmanager
def exit_codes(as_json: bool) -> Iterator[None]:
    """Turn errors into exit codes: 1 refused, 2 misuse, 3 a peer that could not be reached or did wrong."""
    try:
        yield
    except RefusedError as error:
        print_error(str(error), error.findings, as_json)
        sys.exit(EXIT_REFUSED)
    except (PeerError, ConnectionError, TimeoutError) as error:
        print_error(str(error) or "no answer in time", (), as_json)
        sys.exit(EXIT_UNREACHED)
    except RochdaleError as error:
        print_error(str(error), (), as_json)
        sys.exit(EXIT_MISUSE)
    except (click.ClickException, click.Abort, click.exceptions.Exit):
        raise
    except OSError as error:
        named = f"{error.filename}: " if isinstance(error.filename, str) else ""
        print_error(f"{named}{error.strerror or 'this machine refused it'}", (), as_json)
        sys.exit(EXIT_REFUSED)
    except sqlite3.Error as error:
        print_error(f"the home's database cannot be used: {error}", (), as_json)
        sys.exit(EXIT_REFUSED)
    except Exception as error:
        # The kind and the place, never the words: they may quote a line of somebody's till.
        print_error(f"{UNFORESEEN} ({type(error).__name__} at {place_of(error)})", (), as_json)
        sys.exit(EXIT_REFUSED)


def print_error(reason: str, findings: tuple[Finding, ...], as_json: bool) -> None:
    """What went wrong: one JSON object with --json, else lines on standard error."""
    listed = [{"place": finding.place, "reason": finding.reason} for finding in findings]
    if as_json:
        click.echo(json.dumps({"error": reason, "findings": listed}, ensure_ascii=False))
        return
    click.echo(plain(reason), err=True)
    listed_too = [finding for finding in findings if str(finding) != reason]
    for finding in listed_too[:FINDINGS_SHOWN]:
        click.echo(f"  {plain(str(finding))}", err=True)
    if len(listed_too) > FINDINGS_SHOWN:
        click.echo(f"  and {len(listed_too) - FINDINGS_SHOWN} more; --json lists them.", err=True)


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
        if error.code == UNAUTHORIZED:
            # The node of this home has died, and another home's listens where it did.
            raise NotRunningError from None
        raise _read_problem(error) from None
    except urllib.error.URLError as error:
        if isinstance(error.reason, ConnectionRefusedError):
            raise NotRunningError from None
        raise PeerError(f"the running node could not be asked: {error.reason}") from None
    except (OSError, http.client.HTTPException, ValueError):
        # It may have done what was asked: to do it again here could do it twice.
        raise PeerError(BROKEN_OFF) from None


def _read_problem(error: urllib.error.HTTPError) -> RochdaleError:
    try:
        problem = json.loads(error.read(ANSWER_BYTES_MAX))
        findings = tuple(Finding(one["place"], one["reason"]) for one in problem.get("findings", ()))
        reason = problem.get("detail") or problem.get("title") or str(error)
    except (ValueError, KeyError, TypeError, AttributeError):
        reason, findings = f"the node answered {error.code}", ()
    if error.code in (502, 504):
        return PeerError(reason)
    return MisuseError(reason) if error.code in MISUSE_STATUSES else RefusedError(reason, findings)
