"""Products and prices on a terminal: what each cent pays for, and what is missing."""

from pathlib import Path
from typing import Any

import click
import msgspec

from node.cli.printing import print_table, say
from node.use_cases.supply.person_key import Reading

PERCENT_PPM = 10_000


def print_accepted(answer: dict[str, Any]) -> None:
    """How many openings were taken in."""
    say(f"{answer['kept']} openings taken in, {answer['known']} were known.")


def print_written(out: Path) -> None:
    """Which file was written."""
    say(f"Written to {out}.")


def print_reading(reading: Reading, as_json: bool) -> None:
    """What a person is about to sign."""
    if as_json:
        click.echo(msgspec.json.encode(reading))
        return
    verdict = "YES" if reading.approve else f"NO ({reading.reason})"
    say(f"You say {verdict} to {reading.price} for {reading.product} of {reading.maker}, version {reading.version},")
    say(f"from {reading.valid_from}, on the price committee of {reading.buyer}. The price is made of:")
    print_table(("what for", "amount"), reading.lines)
