"""The two things a first day may change, the co-op's name and its till lines, and what the till says."""

from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from node.till.goods_mapping import parse_rules
from node.use_cases import till
from node.use_cases.context import Node, NoParams
from node.use_cases.home import check_name, rename
from node.web.asked import Asked
from node.web.forms import SentForm
from node.web.frame import name_of
from node.web.page import FilledPage, Form
from node.web.planning.newest import find_newest
from node.web.supply.pages import fill_prices
from node.web.till.filling import fill_summary, fill_taken, fill_wanted, finder_of, knows_no_good
from node.web.till.model import FirstDay
from protocol.core.errors import RefusedError
from storage.log import log_store
from storage.private import till_lines

FIRST_DAY_PATH = "/first-day"


async def fill_first_day(asked: Asked) -> FirstDay:
    """The co-op's name, its till so far and its ten most wanted goods."""
    node, rules = asked.node, _released_rules(asked.node)
    good_of = knows_no_good if rules is None else parse_rules(rules).good_of

    async def fill() -> FirstDay:
        report = await till.show_consumption(node, NoParams())
        find_price = finder_of((await fill_prices(asked)).rows, good_of)
        return FirstDay(name_of(node), fill_summary(report), fill_wanted(report, find_price))

    db = node.database.reader
    seen = (node.name, till_lines.line_count(db), log_store.change_counter(db), rules)
    return await asked.kept.hold("first day", seen, fill)


async def take_first_day(asked: Asked, form: SentForm) -> FirstDay:
    """Take what the form brings: a name, a file, or both; where one is refused, neither is taken."""
    name = form.fields.get("name", "").strip()
    if not name and form.file is None:
        raise RefusedError("form: neither a name nor a file was given")
    if name:
        check_name(name)
    taken = None
    if form.file is not None:
        params = till.TillParams(name=form.file.name, content=form.file.content)
        taken = fill_taken(await till.import_file(asked.node, params))
    if name:
        await rename(asked.node, name)
    return replace(await fill_first_day(asked), taken=taken)


def _released_rules(node: Node) -> Mapping[str, Sequence[str]] | None:
    """The rules of what a till line counts as that this co-op's committee released last for the plan."""
    run = find_newest(node)
    councils = [] if run is None else [one.council for _, one in sorted(run.releases.items()) if one.council]
    return councils[-1].till if councils else None


ROUTES = (
    FilledPage(
        path=FIRST_DAY_PATH,
        template="till/templates/first_day.html",
        fill=fill_first_day,
        doc="name your co-op, drop in a till file",
        form=Form(take_first_day, "take the name and the till file"),
    ),
)
