"""`rochdale plan simulate`: try a plan out on an economy file. Needs no home.

By hand, for while it works it names the good that is furthest off, and one option changes what all others mean.

Invariant: exit code 1 when the rounds ended before the plan was close enough, or its certificate does not hold.
Spec: docs/spec/planning/planning-step.md, section "Trial".
"""

import contextlib
import sys
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path

import click
import msgspec
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn

from node.cli.calls import Context, exit_codes, print_answer
from node.cli.files import check_free, read_bytes
from node.clock import Clock
from node.use_cases.description import EXIT_REFUSED, Rows, count, tell_rows
from node.use_cases.planning.trials.levels import LevelsResult, try_levels
from node.use_cases.planning.trials.result import TrialPlan, TrialResult
from node.use_cases.planning.trials.trial import BATCHES_WAIT_S, TrialTerms, Watch, check_terms, run_trial
from protocol.core.errors import RefusedError
from protocol.planning.card_rules import TOLERANCE_LEAST_PPM, TOLERANCE_MOST_PPM
from protocol.planning.cards import PPM
from protocol.planning.economy_file import ECONOMY_BYTES_MOST, decode_economy, parse_economy
from protocol.planning.nested.levels_file import read_levels
from protocol.planning.nested.two_levels import LevelTerms
from protocol.planning.plan import format_plan
from protocol.planning.rounds import RoundReport
from protocol.planning.simulation.modes import MODES
from protocol.planning.simulation.saved_state import SAVED_BYTES_MOST
from protocol.planning.state import ROUND_MOST
from storage.disk import write_durably

BLOCKS = "▁▂▃▄▅▆▇█"
DIGITS_MOST = 9
STOCK_COLUMNS = ("good", "period", "made", "from_before", "used", "eaten", "kept", "left")


@click.command()
@click.argument("economy", type=click.Path(path_type=Path))
@click.option("--mode", type=click.Choice(sorted(MODES)), default="open", show_default=True, help="Which rule to try.")
@click.option("--tolerance", default="0.01", show_default=True, help="How far the worst good may be off balance.")
@click.option("--max-rounds", "rounds_most", default=100, show_default=True, help="Rounds before giving up.")
@click.option("--silent", default="0", show_default=True, help="Which share of answers is lost in each round.")
@click.option("--seed", default=0, show_default=True, help="Decides whose answers are lost.")
@click.option("--nested", is_flag=True, help="The file has regions: each plans what is its own, all plan the rest.")
@click.option("--rounds-below", default=3, show_default=True, help="Rounds of each region in a round above (--nested).")
@click.option(
    "--batches", "batches_wait_s", default=BATCHES_WAIT_S, show_default=True, help="Seconds to look for whole batches."
)
@click.option("--start", type=click.Path(path_type=Path), help="Take up an earlier plan, saved with --save-state.")
@click.option("--save-state", type=click.Path(path_type=Path), help="Save the last state to this file.")
@click.option("--document", type=click.Path(path_type=Path), help="Write the plan document to this file.")
@click.pass_obj
def simulate(
    context: Context,
    economy: Path,
    mode: str,
    tolerance: str,
    rounds_most: int,
    silent: str,
    seed: int,
    nested: bool,
    rounds_below: int,
    batches_wait_s: float,
    start: Path | None,
    save_state: Path | None,
    document: Path | None,
) -> None:
    """Plan for the councils and workplaces in the file ECONOMY, all of them answering honestly on this machine."""
    with exit_codes(context.as_json):
        terms = TrialTerms(mode, rounds_most, _parse_share("silent", silent, 0, PPM - 1), seed, batches_wait_s)
        check_terms(terms)
        tolerance_ppm = _parse_share("tolerance", tolerance, TOLERANCE_LEAST_PPM, TOLERANCE_MOST_PPM)
        # A state that was taken up may be saved where it was.
        check_free(path for path in (save_state, document) if path is not None and path != start)
        raw = read_bytes(economy, ECONOMY_BYTES_MOST)
        if nested:
            if terms.silent_ppm or terms.mode != "open" or start or save_state or document:
                raise RefusedError.at("nested", "goes with --tolerance, --max-rounds and --rounds-below only")
            _simulate_levels(context.as_json, raw, tolerance_ppm, LevelTerms(rounds_most, rounds_below))
            return
        file = parse_economy(raw, tolerance_ppm)
        earlier = None if start is None else read_bytes(start, SAVED_BYTES_MOST)
        with _watch_rounds(context.as_json, rounds_most) as watch:
            trial = run_trial(file, terms, Clock(), earlier, watch)
        if save_state is not None:
            write_durably(save_state, trial.saved)
        if document is not None:
            write_durably(document, format_plan(trial.plan))
        _finish(context.as_json, trial.result, _tell_trial(trial.result))


COMMANDS = {"plan simulate": simulate}


def _simulate_levels(as_json: bool, raw: bytes, tolerance_ppm: int, terms: LevelTerms) -> None:
    file = read_levels(decode_economy(raw), tolerance_ppm)
    with _watch_rounds(as_json, terms.rounds_most) as watch:
        result = try_levels(file, terms, Clock(), watch)
    _finish(as_json, result, _tell_levels(result))


def _finish(as_json: bool, result: TrialPlan, told: Iterable[str | Rows]) -> None:
    print_answer(as_json, msgspec.to_builtins(result), told)
    if not (result.converged and result.certificate.holds):
        sys.exit(EXIT_REFUSED)


def _parse_share(place: str, written: str, least_ppm: int, most_ppm: int) -> int:
    """A share such as 0.01 in parts per million."""
    try:
        share = Decimal(written) if len(written) <= DIGITS_MOST else Decimal("NaN")
    except InvalidOperation:
        share = Decimal("NaN")
    if not share.is_finite() or not least_ppm <= share * PPM <= most_ppm:
        raise RefusedError.at(place, f"must be a share from {least_ppm / PPM:g} to {most_ppm / PPM:g}")
    return int(share * PPM)


@contextlib.contextmanager
def _watch_rounds(as_json: bool, rounds_most: int) -> Iterator[Watch]:
    """A bar on the terminal's error stream, full when the worst good is within the tolerance; nothing elsewhere."""
    console = Console(stderr=True)
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn())
    with Progress(*columns, console=console, transient=True, disable=as_json or not console.is_terminal) as bar:
        task = bar.add_task("Can all basic needs be met?", total=None)

        def watch(report: RoundReport) -> None:
            told = f"Round {report.round}: {report.worst_good} is {_percent(report.worst_good_ppm / PPM)} off"
            bar.update(task, description=told, total=rounds_most, completed=report.round)

        yield watch


def draw_rounds(shares: Sequence[float]) -> str:
    """One block for each round, a step lower for each halving: how the worst good came into balance."""
    heights = [max(0, len(BLOCKS) - 1 - _halvings(share)) for share in shares[:ROUND_MOST]]
    return "".join(BLOCKS[height] for height in heights)


def _halvings(share: float) -> int:
    halvings = 0
    while share < 0.5 and halvings < len(BLOCKS):
        share, halvings = share * 2, halvings + 1
    return halvings


def _tell_rounds(result: TrialPlan) -> Iterator[str]:
    verdict = "In balance" if result.converged else "Not in balance"
    drawn = draw_rounds(result.worst_good_by_round)
    yield f"{verdict} after {count(result.rounds, 'round')} and {result.seconds} s: {drawn}"
    yield f"The worst good is {result.worst_good_id}, {_percent(result.worst_good)} off before clearing."
    if result.certificate.holds:
        yield "The plan holds to the last unit: balances, recipes, capacities, floors, caps and credits."
    for finding in result.certificate.findings:
        yield f"  {finding}"
    gap = result.gap_percent_of_credits
    yield f"No plan could be better by more than {gap:.4f} % of all credits. Welfare {result.welfare:,.4f}."


def _tell_levels(result: LevelsResult) -> Iterator[str]:
    yield from _tell_rounds(result)
    last = max(result.rounds_last.values())
    yield f"Each region took {count(result.rounds_below, 'round')} meanwhile and at most {last} with its allocation."
    for region, allocation in result.allocations.items():
        gets = ", ".join(f"{amount} {good}" for good, amount in allocation.items())
        yield f"  {region} gets (gives, below 0): {gets or 'nothing'}"
    flat = result.flat
    lost = flat.welfare_lost_percent_of_credits
    yield f"In one flat plan ({count(flat.rounds, 'round')}) all would have {lost:.4f} % of credits more;"
    yield f"what is eaten of {flat.furthest_good} differs most, by {flat.furthest_good_percent:.2f} %."


def _tell_trial(result: TrialResult) -> Iterator[str | Rows]:
    yield from _tell_rounds(result)
    if result.stocks:
        rows = [tuple(getattr(one, name) for name in STOCK_COLUMNS) for one in result.stocks]
        yield from tell_rows([name.replace("_", " ") for name in STOCK_COLUMNS], rows)
    if result.batches is not None:
        kept = result.batches
        techniques = count(len(kept.techniques), "technique")
        yield f"{techniques} in whole batches, for which {count(kept.rounds, 'round')} more were needed:"
        yield f"{_percent(kept.loss_percent / 100)} less for all together than in the plan without."
    if result.private_workplaces:
        hidden = count(len(result.private_workplaces), "workplace")
        yield f"{hidden} with private recipes: what can be done there, and at which effort, is taken at their word."
    if result.recipes_opened is not None:
        opened = result.recipes_opened
        yield f"With open recipes: {count(opened.rounds, 'round')}, {opened.gap_percent_of_credits:.4f} % at most."
    yield f"Answers of one round: {result.bytes_per_round:,} bytes; --json gives prices, quantities and activities."


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"
