"""Errors become answers here and nowhere else: whose fault it was decides the status, people get plain words.

Invariant: an unforeseen error tells the visitor nothing of the inside; the log has the kind of it and the path.
"""

import sqlite3
from typing import Any

import msgspec

from node.use_cases.description import LINES_TOLD
from protocol.core.errors import Finding, MisuseError, PeerError, RefusedError
from storage.database import describe_trouble


class Failure(msgspec.Struct, frozen=True):
    """What went wrong, for a page or for `application/problem+json` (RFC 9457)."""

    status: int
    title: str
    detail: str
    findings: tuple[Finding, ...] = ()


TITLES = {
    400: "That request was not understood",
    401: "A token is needed",
    403: "That is not allowed",
    404: "There is nothing here",
    405: "That cannot be done here",
    413: "That is too big",
    415: "That is not a kind of content read here",
    421: "This node does not answer to that name",
    422: "That could not be taken",
    500: "Something went wrong on this node",
    502: "A peer sent something wrong",
    503: "This node is busy",
    504: "That took too long",
    507: "This node cannot write to its disk",
}
NOT_WRITTEN = "Nothing was changed, and nothing that was acknowledged before is lost. Make room, then try again."
UNFORESEEN = "Nothing was changed. The node's log says what happened."
DETAILS = {
    400: "The request breaks a rule of the web's protocol.",
    404: "No page has this address. The pages are listed at the top.",
    405: "This address answers to another method.",
    413: "What was sent is larger than this node takes in one piece.",
    415: "Send a form as multipart/form-data, or JSON to the API.",
    504: "What was sent did not arrive in time.",
}


def failure_of_status(status: int) -> Failure:
    """The failure that a bare status means."""
    known = status if status in TITLES else (400 if status < 500 else 500)
    return Failure(status, TITLES[known], DETAILS.get(known, UNFORESEEN))


def failure_of_error(error: Exception) -> Failure:
    """The failure that an error means; what is not one of ours is a fault of this node."""
    match error:
        case RefusedError():
            return Failure(422, TITLES[422], error.reason, error.findings)
        case PeerError():
            return Failure(502, TITLES[502], error.reason)
        case MisuseError():
            return Failure(400, TITLES[400], str(error))
        case TimeoutError():
            return failure_of_status(504)
        case sqlite3.OperationalError() | OSError() if trouble := describe_trouble(error):
            return Failure(507, TITLES[507], f"The disk says: {trouble}. {NOT_WRITTEN}")
        case _:
            return failure_of_status(500)


def tell_refusal(error: RefusedError) -> dict[str, Any]:
    """Why a form was refused, as a page with a form has it: `refusal`, `findings` that this does not say already, and
    how many were left off."""
    further = [finding for finding in error.findings if str(finding) not in error.reason]
    shown = tuple(further[:LINES_TOLD])
    return {"refusal": error.reason, "findings": shown, "findings_left_off": len(further) - len(shown)}


def format_problem(failure: Failure) -> bytes:
    """The failure as problem+json, with its findings by place and reason."""
    return msgspec.json.encode(
        {
            "type": "about:blank",
            "title": failure.title,
            "status": failure.status,
            "detail": failure.detail,
            "findings": failure.findings,
        }
    )
