"""An address and what stands there: a page that is filled from the node, or any other answer.

Invariant: whatever may be refused in a form is refused before anything is changed; looking at a page changes nothing.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from aiohttp import web

from node.web.asked import Asked
from node.web.forms import FIELDS_MAX, SentForm
from node.web.render import View
from node.web.visit import Visit

Handler = Callable[[Visit], Awaitable[View | web.Response]]


class Route(NamedTuple):
    """One address; a handler answers a view (a page) or a whole response."""

    method: str
    path: str
    handler: Handler
    doc: str


Fill = Callable[[Asked], Awaitable[Any]]
"""The model of a page; None where there is nothing to show."""
Take = Callable[[Asked, SentForm], Awaitable[Any]]
"""The model of a page after a form was taken; RefusedError, or a model with a refusal, where it was not."""


@dataclass(frozen=True)
class Form:
    """The form on a page, whose model is a `FormModel`: what is done with it, in how many fields at most."""

    take: Take
    doc: str
    fields_max: int = FIELDS_MAX


@dataclass(frozen=True)
class FilledPage:
    """A page with a template of its own, named below node/web; without a `title` its model has one.

    Where `fill` gives None, the page at the address `instead` is shown; without one, a page whose address names a
    thing is nowhere (HTTP 404), and any other says itself that there is nothing yet. A page that `is_near` is shown to
    a browser on this machine alone.
    """

    path: str
    template: str
    fill: Fill
    doc: str
    title: str = ""
    form: Form | None = None
    instead: str = ""
    is_near: bool = False

    @property
    def names_a_thing(self) -> bool:
        """Whether the address has a part that says which."""
        return "{" in self.path
