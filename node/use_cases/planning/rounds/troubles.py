"""Why rounds find no end, in words that a person can act on."""

from protocol.planning.economy import Economy
from protocol.planning.rounds import RoundReport


def describe_worst(economy: Economy, report: RoundReport) -> str:
    """What is furthest off after the last round: most often a good is wanted that nobody offers."""
    worst = next(place for place, good in enumerate(economy.goods) if good.id == report.worst_good)
    makers = (technique for card in economy.workplaces for technique in card.techniques)
    is_offered = economy.goods[worst].endowment > 0 or any(
        good == worst and amount < 0 for technique in makers for good, amount in technique.net
    )
    reason = "is furthest from the tolerance" if is_offered else "is wanted and nobody offers any: call without it"
    return f"{report.worst_good} {reason}"
