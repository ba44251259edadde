"""Where a plan stands between two levels, in sentences: who speaks for whom, what is planned here and what above."""

from node.use_cases.planning.reports.view import PlanReport
from node.web.figures.words import join_words
from node.web.planning.filling.plan_words import Labels, in_words

DIGITS_SHOWN = 12


def tell_levels(report: PlanReport, labels: Labels | None) -> tuple[str, ...]:
    """Nothing where a plan stands for itself."""
    level = report.level
    if level is None:
        return ()
    if level.regions:
        names = [report.members.get(origin, origin) for origin in level.regions]
        speak = "speaks for its region, which is one participant" if len(names) == 1 else "speak for their regions"
        return (f"{join_words(names)} {speak} here; who is in a region plans the rest of its goods there.",)
    speaker = report.members.get(level.speaker, level.speaker)
    told = [f"{speaker} speaks for this region in the plan above (call {level.above[:DIGITS_SHOWN]})."]
    here, above = (
        join_words([labels.good(good) if labels else in_words(good) for good in goods])
        for goods in (level.planned_here, level.planned_above)
    )
    if above:
        told.append(f"Planned in the region: {here or 'nothing'}. Planned above: {above}.")
    if level.plan_above:
        told.append(f"What it gets and gives is what plan {level.plan_above[:DIGITS_SHOWN]} says, in force above.")
    return tuple(told)
