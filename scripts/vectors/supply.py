"""The vectors of prices: whole logs of a bakery and its buyers, with the status of every price in them."""

from typing import Any

from protocol.core.identity import generate
from protocol.core.record import format_record
from protocol.supply.price_status import assess_prices
from scripts.vectors.made_up import HEX
from tests.protocol.supply.made_up_logs import NORTHSIDE, REQUIRED, RULES, disclosure, no, person, proposal, sheet, yes
from tests.protocol.supply.price_story import Story


def export_prices() -> dict[str, Any]:
    """Logs, the rules, and what follows for each proposal."""
    story = _tell_story()
    return {
        "about": f"Prices (docs/spec: price.md): where each stands follows from all entries. {HEX} Made up.",
        "rules": {
            "required_sections": list(RULES.required_sections),
            "committee_threshold": RULES.committee_threshold,
        },
        "logs": {
            log.origin: {
                "log_key": generate(log.keys.log).public,
                "entries": [format_record(filed.record) for filed in log.filed],
            }
            for log in (story.bakery, story.northside, story.southgate)
        },
        "statuses": [
            {
                "proposal": leaf,
                "state": status.state,
                "reasons": [str(finding) for finding in status.reasons],
                "signed_by": [
                    f"{word.origin} #{word.index} {'yes' if word.approve else 'no'}" for word in status.signed_by
                ],
                "not_counted": [str(finding) for finding in status.not_counted],
            }
            for leaf, status in assess_prices(story.facts(), RULES).items()
        ],
    }


def _tell_story() -> Story:
    """One price agreed, reopened by its cost, answered by a counter-offer; one void, one refused."""
    story = Story()
    story.sign(1, 3)
    story.northside.say(yes(story.price, story.read))
    dearer = story.bakery.say(disclosure(*REQUIRED, cost_cents=310, version=2))
    offer = story.northside.say(proposal(version=2, after=story.price.leaf, sheet=sheet(360, materials=312, tax=48)))
    story.sign(1, 2, price=offer, read=dearer)
    story.bakery.say(yes(offer, dearer))
    story.bakery.say(proposal(sheet=sheet(342, materials=341)))
    third = story.bakery.say(proposal(NORTHSIDE, sheet=sheet(400, materials=350, tax=50)))
    for number in (1, 2, 3):
        story.northside.embed(person(number), no(third, dearer))
    return story


FILES = {"supply/prices.json": export_prices}
