"""What a person reads on a terminal: short tables and whole sentences."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from node.use_cases.home import Made
from protocol.core.quantities import format_decimal

CONSOLE = Console(highlight=False, soft_wrap=True)


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]], title: str = "") -> None:
    """A plain table; numbers stand to the right."""
    table = Table(title=title or None, title_justify="left", box=None, pad_edge=False, header_style="bold")
    listed = [[str(cell) for cell in row] for row in rows]
    for index, column in enumerate(columns):
        figures = bool(listed) and all(row[index].lstrip("-").replace(".", "").isdigit() for row in listed)
        table.add_column(column, justify="right" if figures else "left", overflow="fold")
    for row in listed:
        table.add_row(*row)
    CONSOLE.print(table)


def say(text: str) -> None:
    """A sentence for people; never read as markup."""
    CONSOLE.print(text, markup=False)


def print_made(home: Path, made: Made) -> None:
    """What `init` has made, and the one thing to write down."""
    say(f"Your home is ready in {home}.\nThe name of its log is {made.origin}.\n")
    say("Write this recovery key on paper and keep it away from this machine. It is shown only now:\n")
    say(f"    {made.recovery_key}\n")
    say("Next: `rochdale run` opens your first page.")


def print_status(status: dict[str, Any]) -> None:
    """The node at a glance."""
    say(f"{status['name']} ({status['origin']})")
    say(
        f"{status['records']} records, {status['void']} of them void; {status['till_lines']} till lines; "
        f"{status['peers']} peers."
    )
    if status["forks"]:
        say(f"For {status['forks']} log(s) two versions exist; both are kept and shown.")
    rows = [
        (
            log["origin"],
            log["size"],
            log["root"][:16],
            ", ".join(f"{name} to {size}" for name, size in log["cosigned"].items()),
        )
        for log in status["logs"]
    ]
    print_table(("log", "size", "root", "cosigned by"), rows)
    for name, part in status["parts"].items():
        say(f"{name}: {part}")


def cents(amount: int) -> str:
    """An amount in cents as a decimal."""
    return format_decimal(amount, 2)
