"""Errors named by whose fault they are, and findings that a person can put right.

Invariant: an error's text never holds personal data or secret bytes; it names the place and the reason.
"""

from collections.abc import Sequence

import msgspec

NAME_LENGTH_SHOWN = 120
"""A hostile name must not fill a log line."""


def shorten(name: str) -> str:
    """What an error repeats of a name that came from outside."""
    return name if len(name) <= NAME_LENGTH_SHOWN else name[:NAME_LENGTH_SHOWN] + "…"


class Finding(msgspec.Struct, frozen=True):
    """One thing that somebody can put right: where it is and what is wrong with it."""

    place: str
    reason: str

    def __str__(self) -> str:
        return f"{self.place}: {self.reason}"


class RochdaleError(Exception):
    """The base of all errors that this project raises on purpose."""


class MisuseError(RochdaleError):
    """Our own caller's fault: a function was called with something that its contract excludes."""


class PeerError(RochdaleError):
    """A peer's fault: it sent bytes that break a format or do not prove what they claim."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class RefusedError(RochdaleError):
    """Not allowed, or input that a person can put right; `findings` lists every place when there are several."""

    def __init__(self, reason: str, findings: tuple[Finding, ...] | list[Finding] = ()) -> None:
        super().__init__(reason)
        self.reason = reason
        self.findings = tuple(findings)

    @classmethod
    def at(cls, place: str, reason: str) -> "RefusedError":
        """A refusal of one place: its text is `place: reason` and its only finding says the same."""
        finding = Finding(place, reason)
        return cls(str(finding), (finding,))


def refuse(findings: Sequence[Finding], said: str) -> None:
    """RefusedError with all of the findings, where there are any: `said` (`the card is refused`) and the first, with
    how many more there are, make its text."""
    if findings:
        more = f" (and {len(findings) - 1} more)" if len(findings) > 1 else ""
        raise RefusedError(f"{said}: {findings[0]}{more}", tuple(findings))


def place_of(error: BaseException) -> str:
    """The file and line where an error came up: what may be said of one that nobody foresaw."""
    step = error.__traceback__
    if step is None:
        return "unknown"
    while step.tb_next is not None:
        step = step.tb_next
    file = step.tb_frame.f_code.co_filename.replace("\\", "/").rpartition("/")[2]
    return f"{file}:{step.tb_lineno}"
