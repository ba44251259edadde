"""The node of a home that runs now: where it says that it answers, and how it is asked from outside its process.

Invariant: what may have been done is never asked for again: where the answer is lost, the asker is told so.
"""

import contextlib
import http.client
import json
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import msgspec

from protocol.core.errors import Finding, MisuseError, PeerError, RefusedError, RochdaleError
from storage.disk import write_durably

RUN_FILE = "run.json"
ANSWER_WAIT_S = 600
ANSWER_BYTES_MAX = 256 * 1024 * 1024
UNAUTHORIZED = 401
UNREACHED_STATUSES = (502, 504)
MISUSE_STATUSES = (400, 404, 405, 413, 415)
BROKEN_OFF = "the running node broke off before it answered; look at `rochdale status` whether it was done"


class NotRunningError(Exception):
    """No node of this home listens, whatever its run file says."""


class Running(msgspec.Struct, frozen=True):
    """What a running node writes into its home, for its owner alone: the address of its pages, the token that its API
    wants, its process, and the port that peers call."""

    address: str
    token: str
    pid: int
    peer_port: int = 0


def tell_running(home: Path, running: Running) -> None:
    """Say in the home that its node runs, and where."""
    write_durably(home / RUN_FILE, msgspec.json.encode(running))


def forget_running(home: Path) -> None:
    """Take that back."""
    (home / RUN_FILE).unlink(missing_ok=True)


def find_running(home: Path) -> Running | None:
    """What the home says of its running node; None where it says nothing. The process may have died since."""
    with contextlib.suppress(OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return msgspec.json.decode((home / RUN_FILE).read_bytes(), type=Running)
    return None


def ask_running(home: Path, operation: str, payload: bytes) -> Any:
    """An operation's answer as plain JSON values; `payload` are its parameters as JSON.

    NotRunningError where nothing was asked, because no node of this home listens; RefusedError, MisuseError or
    PeerError as the node said it, PeerError too where it did not answer to the end.
    """
    running = find_running(home)
    if running is None:
        raise NotRunningError
    request = urllib.request.Request(  # noqa: S310 - the address is this home's own, on loopback
        f"{running.address}api/v1/{operation}",
        data=payload,
        headers={"Authorization": f"Bearer {running.token}", "Content-Type": "application/json"},
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
    if error.code in UNREACHED_STATUSES:
        return PeerError(reason)
    return MisuseError(reason) if error.code in MISUSE_STATUSES else RefusedError(reason, findings)
