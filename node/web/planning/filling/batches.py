"""The page's section on whole batches, from what this node reports of them.

Invariant: how many and of what comes from the plan document; what is lost is the public judgement's figure.
"""

from fractions import Fraction

from node.use_cases.planning.batches.report import BatchLine
from node.use_cases.planning.reports.view import PlanReport
from node.web.figures.words import format_number, format_quantity, join_words
from node.web.planning.filling.plan_words import Labels
from node.web.planning.model.batches import Batches, BatchRow
from protocol.planning.cards import MICRO, PPM, Technique
from protocol.planning.certificate import all_workplaces
from protocol.planning.plan import Plan


def fill_batches(report: PlanReport, labels: Labels) -> Batches | None:
    """What was decided of the draft's batches, None where there are none to decide or nothing is decided yet."""
    decided, plan = report.batches, report.plan
    if decided is None or plan is None:
        return None
    found_by = tuple(report.members.get(origin, origin) for origin in decided.found_by)
    rows = tuple(_fill_row(plan, line, labels) for line in decided.lines if line.batches or float(line.draft))
    lost_ppm = max(0, -decided.value_micro) * PPM // decided.credits_micro
    return Batches(decided.holds, lost_ppm, found_by, rows)


def _fill_row(plan: Plan, line: BatchLine, labels: Labels) -> BatchRow:
    techniques = {card.id: card.techniques for card in all_workplaces(plan)}
    makes = _tell_output(plan, techniques[line.card][line.technique - 1], labels)
    asked_for = format_number(Fraction(line.draft) / Fraction(line.batch))
    return BatchRow(labels.workplace(line.card), labels.member(line.card), line.batches, makes, asked_for)


def _tell_output(plan: Plan, technique: Technique, labels: Labels) -> str:
    """What one batch makes: `20 kg of bread`."""
    told = []
    for place, amount in technique.net:
        if amount < 0:
            good = plan.goods_table.goods[place]
            made = labels.amount(good.id, -amount * technique.batch * 10**good.decimals // MICRO**2)
            told.append(f"{format_quantity(made)} of {labels.good(good.id)}")
    return join_words(told)
