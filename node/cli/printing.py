"""What a person reads on a terminal: short tables and whole sentences."""

from collections.abc import Iterable, Sequence

import click

from node.use_cases.description import Rows

PIPED_WIDTH = 400


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """A plain table; numbers stand to the right."""
    # Loaded with the first table: most answers are sentences.
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    listed = [[plain(str(cell)) for cell in row] for row in rows]
    for column, is_figures in zip(columns, Rows(columns, listed).figures, strict=True):
        table.add_column(column, justify="right" if is_figures else "left", overflow="fold")
    for row in listed:
        table.add_row(*map(Text, row))
    console = Console(highlight=False, soft_wrap=True)
    # Without a terminal there is no edge to fold at: whoever searches the output finds names whole.
    (console if console.is_terminal else Console(highlight=False, width=PIPED_WIDTH)).print(table)


def say(text: str) -> None:
    """A sentence for people; never read as markup."""
    click.echo(plain(text))


def plain(text: str) -> str:
    """Text without what could steer a terminal: names and reasons also come from peers."""
    return "".join(letter if letter.isprintable() or letter == "\n" else "\N{REPLACEMENT CHARACTER}" for letter in text)


def print_told(told: Iterable[str | Rows]) -> None:
    """Sentences and tables for people."""
    for one in told:
        if isinstance(one, Rows):
            print_table(one.columns, one.rows)
        else:
            say(one)
