"""What a person reads on a terminal: short tables and whole sentences."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from node.use_cases.description import Rows, count
from node.use_cases.home import Made
from protocol.core.quantities import divide_half_up, format_decimal

CONSOLE = Console(highlight=False, soft_wrap=True)
PIPED_WIDTH = 400


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]], title: str = "") -> None:
    """A plain table; numbers stand to the right."""
    table = Table(title=title or None, title_justify="left", box=None, pad_edge=False, header_style="bold")
    listed = [[plain(str(cell)) for cell in row] for row in rows]
    for column, is_figures in zip(columns, Rows(columns, listed).figures, strict=True):
        table.add_column(column, justify="right" if is_figures else "left", overflow="fold")
    for row in listed:
        table.add_row(*map(Text, row))
    # Without a terminal there is no edge to fold at: whoever searches the output finds names whole.
    console = CONSOLE if CONSOLE.is_terminal else Console(highlight=False, width=PIPED_WIDTH)
    console.print(table)


def say(text: str) -> None:
    """A sentence for people; never read as markup."""
    CONSOLE.print(plain(text), markup=False)


def plain(text: str) -> str:
    """Text without what could steer a terminal: names and reasons also come from peers."""
    return "".join(letter if letter.isprintable() or letter == "\n" else "\N{REPLACEMENT CHARACTER}" for letter in text)


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
        f"{count(status['records'], 'record')}, {status['void']} void; {count(status['till_lines'], 'till line')}; "
        f"{count(status['peers'], 'peer')}."
    )
    if status["disk"]:
        say(f"It cannot write to its disk: {status['disk']}. What was acknowledged is safe; make room, and it goes on.")
    for origin, days in status["clocks"].items():
        say(f"The last record of {origin} is dated {count(days, 'day')} ahead of this machine's clock: one is wrong.")
    if status["forks"]:
        say(f"Two versions exist of {count(status['forks'], 'log')}; both are kept and shown.")
    rows = [
        (log["origin"], "own" if log["own"] else "", log["size"], log["root"][:16], _say_cosigned(log))
        for log in status["logs"]
    ]
    print_table(("log", "", "size", "root", "cosigned"), rows)
    if not status["parts"]:
        say("The node does not run now; `rochdale run` starts it.")
    for name, say_part in (
        ("restored", _say_restored),
        ("peering", _say_peering),
        ("lan", _say_lan),
        ("outside_witnesses", _say_witnesses),
        ("roster", _say_roster),
        ("planner", _say_planner),
    ):
        if name in status["parts"]:
            say_part(status["parts"][name])


def _say_cosigned(log: dict[str, Any]) -> str:
    sizes = sorted(log["cosigned"].values())
    return f"by {len(sizes)}, up to {sizes[-1]}" if sizes else "by nobody"


def _say_peering(part: dict[str, Any]) -> None:
    say(f"Running; peers reach it at port {part['port']}. {count(part['connected'], 'peer')} connected.")
    for one in part["peers"]:
        if one["state"] != "connected":
            said = f", {one['last_error']}" if one["last_error"] else ""
            say(f"  {one['name']}: {one['state']}{said}")


def _say_witnesses(part: dict[str, Any]) -> None:
    for url, error in part["failing"].items():
        say(f"Outside witness {url}: {error}")


def _say_lan(part: dict[str, Any]) -> None:
    say(f"It looks for peers in this network, where its own certificate begins with {part['fingerprint'][:16]}.")
    for one in part["found"]:
        say(f"  Somebody says to be {one['name']}, certificate {one['fingerprint'][:16]}, at {one['url']}.")
    if part["found"]:
        say("  Ask them for what their `rochdale peer card` prints, and give it to `rochdale peer add`.")


def _say_restored(part: dict[str, Any]) -> None:
    if not part["may_sign"]:
        say(f"It signs nothing: {part['reason']}.")
    if part["waits_for"]:
        say(f"  It waits until these have said what they hold of its log: {', '.join(part['waits_for'])}.")


def _say_roster(part: dict[str, Any]) -> None:
    if "version" not in part:
        say("No federation yet.")
        return
    say(f"Federation: version {part['version']} of the roster, {count(part['members'], 'member')}.")
    if part["waits_for"]:
        say(f"  The next version waits for {', '.join(part['waits_for'])}.")


def _say_planner(part: dict[str, Any]) -> None:
    for call_id, one in part.items():
        say(f"Plan {call_id[:16]}: {one['stage']}, reading {one['reading']}, round {one['round']}.")
        if one["waits_for"]:
            say(f"  It waits for {', '.join(one['waits_for'])}.")
        if one["trouble"]:
            say(f"  {'It stopped' if one['stage'] == 'stopped' else 'Note'}: {one['trouble']}")


def cents(amount: int) -> str:
    """An amount in cents as a decimal."""
    return format_decimal(amount, 2)


def percent(ppm: int) -> str:
    """Parts per million as a percentage with two decimals."""
    return format_decimal(divide_half_up(ppm, 100), 2)


def print_told(told: Iterable[str | Rows]) -> None:
    """Sentences and tables for people."""
    for one in told:
        if isinstance(one, Rows):
            print_table(one.columns, one.rows)
        else:
            say(one)
