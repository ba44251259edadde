"""How a command reaches its node: through the running process if there is one, else by opening the home itself.

Invariant: with --json one JSON object goes to standard output, however a command ends; people never get a traceback.
"""

import contextlib
import json
import select
import sqlite3
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import click
import msgspec

from node.cli.printing import plain, print_told
from node.running import NotRunningError, ask_running
from node.use_cases.description import EXIT_MISUSE, EXIT_REFUSED, EXIT_UNREACHED, Rows, tell_some
from protocol.core.errors import Finding, PeerError, RefusedError, RochdaleError, place_of

UNFORESEEN = "something went wrong in this program itself; please tell those who keep it"


class Context(msgspec.Struct):
    """What every command knows: the home and whether to answer in JSON."""

    home: Path
    as_json: bool


def call(home: Path, operation: str, params: msgspec.Struct | dict[str, Any]) -> Any:
    """Run an operation and give its answer as plain JSON values; RefusedError or PeerError as the node said it."""
    payload = msgspec.json.encode(params)
    with contextlib.suppress(NotRunningError):
        return ask_running(home, operation, payload)
    # All that a home is made of is loaded only where no running node answers for it.
    from node.cli.home.opened import run_here

    return run_here(home, operation, payload)


def print_answer(as_json: bool, answer: Any, told: Iterable[str | Rows]) -> None:
    """One JSON object of plain values with --json, else the words for people."""
    if as_json:
        print_json(answer)
    else:
        print_told(told)


def print_json(answer: Any) -> None:
    """The one JSON object of a command."""
    click.echo(json.dumps(answer, ensure_ascii=False))


@contextlib.contextmanager
def exit_codes(as_json: bool) -> Iterator[None]:
    """Turn errors into exit codes: 1 refused, 2 misuse, 3 a peer that could not be reached or did wrong."""
    try:
        yield
    except RefusedError as error:
        print_error(str(error), error.findings, as_json)
        sys.exit(EXIT_REFUSED)
    except (PeerError, ConnectionError, TimeoutError) as error:
        if isinstance(error, BrokenPipeError) and _is_reader_gone():
            raise
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


def _is_reader_gone() -> bool:
    """Whether nobody takes what is printed any more, as after `| head`: no peer's doing, and click ends quietly."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        printing = select.poll()
        printing.register(sys.stdout.fileno(), 0)
        return bool(printing.poll(0))
    return False


def print_error(reason: str, findings: tuple[Finding, ...], as_json: bool) -> None:
    """What went wrong: one JSON object with --json, else lines on standard error."""
    listed = [{"place": finding.place, "reason": finding.reason} for finding in findings]
    if as_json:
        click.echo(json.dumps({"error": reason, "findings": listed}, ensure_ascii=False))
        return
    click.echo(plain(reason), err=True)
    listed_too = [finding for finding in findings if str(finding) not in reason]
    for line in tell_some(list(map(str, listed_too))):
        click.echo(f"  {plain(line)}", err=True)
