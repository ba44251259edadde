"""What a plan of several periods keeps from one to the next, good by good, for the plan's page."""

from node.use_cases.planning.periods.stocks import list_stocks
from node.web.planning.filling.followed import read_amount
from node.web.planning.filling.plan_words import Labels
from node.web.planning.model.plan import StockRow
from protocol.planning.periods.names import name_in
from protocol.planning.plan import Plan


def fill_stocks(plan: Plan, labels: Labels) -> tuple[StockRow, ...]:
    """A row for each good and period in which something is kept or comes out of the store; none without periods."""
    periods = plan.goods_table.period_names
    rows = list_stocks(plan, periods) if periods else ()
    found = []
    for row in rows:
        good = name_in(row.good, row.period)
        columns = ("made", "from_before", "used", "eaten", "kept", "left")
        amounts = {name: read_amount(labels, good, getattr(row, name)) for name in columns}
        if amounts["kept"].amount or amounts["from_before"].amount:
            found.append(StockRow(good=labels.heading(good), **amounts))
    return tuple(found)
