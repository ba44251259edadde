"""A filled, made-up region: the node's own pages with made-up models in the place of its own, area by area."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from inspect import isawaitable
from typing import Any

from aiohttp import web

from node.use_cases.context import Node
from node.web.asked import Asked
from node.web.forms import SentForm
from node.web.frame import Frame, Provenance
from node.web.front.model import FrontPage
from node.web.front.tour import STEPS, Told, TourStop, tell_stop
from node.web.logs.model import LogList
from node.web.page import FilledPage, Form, Route
from node.web.routes import ROUTES
from node.web.supply.model import PriceList
from node.web.till.model import FirstDay
from node.web.visit import Visit
from tests.node.web.logs.example import example_log, example_logs
from tests.node.web.planning.example import example_coop, example_plan
from tests.node.web.supply.example import example_price, example_prices
from tests.node.web.till.example import example_first_day

Model = Callable[[Mapping[str, str]], Any]
"""The model of a page, by what its address says; it may have to be awaited."""
Models = Mapping[str, Model]
TakeModel = Callable[[SentForm], Any]


def example_tour(said: Mapping[str, str]) -> TourStop | None:
    """One stop of the tour."""
    price = example_price({"product": "loaf"})
    told = Told(example_plan(), example_coop({"coop": "coop-0"}), example_prices(), price, example_logs())
    return tell_stop(said["stop"], told) if said["stop"] in STEPS else None


EXAMPLE: Models = {
    "/": lambda _: FrontPage(example_first_day(), example_plan(), example_prices(), example_logs()),
    "/tour/{stop}": example_tour,
    "/first-day": lambda _: example_first_day(),
    "/prices": lambda _: example_prices(),
    "/prices/{product}": example_price,
    "/plan": lambda _: example_plan(),
    "/plan/{coop:.+}": example_coop,
    "/what-if": lambda _: None,
    "/proposal": lambda _: None,
    "/logs": lambda _: example_logs(),
    "/logs/{origin:.+}": example_log,
}
"""Every filled page; a page that is missing here fails all its tests."""

NAMED = {
    "/tour/{stop}": tuple(f"/tour/{stop}" for stop in STEPS),
    "/prices/{product}": ("/prices/loaf",),
    "/plan/{coop:.+}": ("/plan/coop-0",),
    "/logs/{origin:.+}": ("/logs/northside-1a2b3c4d.rochdale/log",),
}
"""For addresses that name a thing: those that are there."""

ADDRESSES = tuple(address for path in EXAMPLE for address in NAMED.get(path, (path,)))

NOTHING = Told(None, None, PriceList(()), None, LogList(()))
EMPTY: Models = {
    **dict.fromkeys(EXAMPLE, lambda _: None),
    "/tour/{stop}": lambda said: tell_stop(said["stop"], NOTHING),
    "/first-day": lambda _: FirstDay("", None, ()),
    "/prices": lambda _: PriceList(()),
    "/logs": lambda _: LogList(()),
}
"""A home that holds nothing yet."""


def list_pages(models: Models, takes: Mapping[str, TakeModel]) -> Iterator[FilledPage | Route]:
    """The node's own addresses with these models on its pages; of its forms only those of `takes` take anything."""
    for found in ROUTES:
        if isinstance(found, FilledPage):
            yield _with_model(found, models[found.path], takes.get(found.path))
        elif found.path == "/plan.json":
            yield found._replace(handler=_answer_document)
        else:
            yield found


def _with_model(page: FilledPage, model: Model, taken: TakeModel | None) -> FilledPage:
    async def fill(asked: Asked) -> Any:
        found = model(asked.said)
        return await found if isawaitable(found) else found

    async def take(_: Asked, form: SentForm) -> Any:
        assert taken is not None
        found = taken(form)
        return await found if isawaitable(found) else found

    if page.form is None or taken is None:
        return replace(page, fill=fill, form=None)
    return replace(page, fill=fill, form=Form(take, page.form.doc, page.form.fields_max))


async def _answer_document(_: Visit) -> web.Response:
    return web.Response(body=b'{"format":"example"}', content_type="application/json")


def example_frame(_: Node) -> Frame:
    """A co-op with made-up partners."""
    made_up = ("names", "makers", "costs", "recipes", "capacities", "votes")
    words = "from a package that calls its data “simulated”, see the guide."
    return Frame("Northside", "northside-1a2b3c4d.rochdale/log", "0.1.0", Provenance(words, made_up))


def empty_frame(_: Node) -> Frame:
    """A co-op without a name."""
    return Frame("", "", "0.1.0", Provenance())
