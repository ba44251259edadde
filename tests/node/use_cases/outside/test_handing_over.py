"""A log is handed over in as many calls as the mirror needs, and no longer than it comes further."""

from pathlib import Path
from typing import Any

import pytest

from node.clock import Clock
from node.use_cases.context import Desk
from node.use_cases.outside.mirrors import HandOverParams, hand_over
from protocol.core.errors import PeerError

URL = "https://mirror.example"
KEY = "mirror.example+1+x"
SIZE = 600


class Answers:
    """A home whose mirror comes as far as these numbers, one a call; it signs once it has all."""

    def __init__(self, *next_entries: int) -> None:
        self._left = list(next_entries)
        self.shown: list[tuple[int, int]] = []

    def ask(self, operation: str, params: dict[str, Any]) -> dict[str, Any]:
        """One call of the operation that hands some of it over."""
        assert (operation, params) == ("log.push", {"url": URL, "keys": (KEY,)})
        reached = self._left.pop(0)
        is_done = reached == SIZE
        cosigners = ["mirror.example"] if is_done else []
        return {"url": URL, "size": SIZE, "next_entry": reached, "is_done": is_done, "cosigners": cosigners}

    def at_desk(self) -> Desk:
        """Where somebody waits for it."""
        return Desk(Path("home"), Clock(), self.ask, lambda _, __: b"", self._watch)

    def _watch(self, things: str) -> Any:
        assert things == "records"
        return lambda done, total: self.shown.append((done, total))


def test_it_goes_on_until_the_mirror_has_all() -> None:
    answers = Answers(0, 256, SIZE)
    pushed = hand_over(answers.at_desk(), HandOverParams(url=URL, keys=(KEY,)))
    assert pushed.is_done and pushed.cosigners == ("mirror.example",)
    assert answers.shown == [(0, SIZE), (256, SIZE)]


def test_a_mirror_that_comes_no_further_is_not_asked_for_ever() -> None:
    answers = Answers(256, 256, SIZE)
    with pytest.raises(PeerError, match="comes no further than 256 records"):
        hand_over(answers.at_desk(), HandOverParams(url=URL, keys=(KEY,)))
