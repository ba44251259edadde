"""`rochdale disclosure`, `price`, `key person`: what is handed to somebody, and what a person signs elsewhere."""

from pathlib import Path
from typing import Any, TypeVar

import click
import msgspec

from node.cli.calls import Context, call, exit_codes, run_command
from node.cli.files import read_json
from node.cli.from_operations import human_of
from node.cli.printing import print_table, say
from node.clock import Clock
from node.operations import load_operation
from node.use_cases.supply.drafts import SignedStatement
from node.use_cases.supply.person_key import (
    Reading,
    make_person_key,
    read_before_signing,
    read_person_key,
    sign_as_person,
)
from node.use_cases.supply.signing import ToSign
from protocol.core.errors import RefusedError
from protocol.supply.price_agreement import REASONS

_FILE = click.Path(path_type=Path)
_READERS = click.Choice(["public", "buyers", "federation", "auditors"])

Form = TypeVar("Form")


@click.group()
def disclosure() -> None:
    """Disclosures: what a producer tells about a product."""


@disclosure.command("openings")
@click.argument("code")
@click.option("--reader", type=_READERS, required=True, help="For whom.")
@click.option("--out", type=_FILE, required=True, help="The file to hand over.")
@click.pass_obj
def hand_openings(context: Context, code: str, reader: str, out: Path) -> None:
    """Write what opens the hidden parts of CODE for a reader; hand the file to nobody else."""
    _run_to_file(context, "disclosure.openings", {"product": code, "reader": reader}, out)


@disclosure.command("accept")
@click.argument("file", type=_FILE)
@click.pass_obj
def accept_openings(context: Context, file: Path) -> None:
    """Take in the openings that somebody handed over in FILE."""
    with exit_codes(context.as_json):
        found = read_json(file)
        if not isinstance(found, dict) or "openings" not in found:
            raise RefusedError.at(str(file), "holds no openings")
    run_command(context, "disclosure.accept", {"openings": found["openings"]}, _print_accepted)


@click.group()
def price() -> None:
    """Prices: proposed to the cent, signed by both sides."""


@price.command("approve")
@click.argument("proposal")
@click.option("--refuse", type=click.Choice(sorted(REASONS)), help="Say no, for this reason.")
@click.pass_obj
def approve(context: Context, proposal: str, refuse: str | None) -> None:
    """As the producer, say yes (or no) to PROPOSAL, the id of a price."""
    params = {"proposal": proposal, "approve": refuse is None, "reason": refuse or ""}
    run_command(context, "price.approve", params, human_of(load_operation("price.approve")))


@price.command("statement")
@click.argument("proposal")
@click.option("--key", required=True, help="The member's public key in hex.")
@click.option("--refuse", type=click.Choice(sorted(REASONS)), help="A no, for this reason.")
@click.option("--note", default="", help="Words for the committee; they stay out of the log.")
@click.option("--out", type=_FILE, required=True, help="The file to take to the member's device.")
@click.pass_obj
def statement(context: Context, proposal: str, key: str, refuse: str | None, note: str, out: Path) -> None:
    """Write what a committee member signs about PROPOSAL, the id of a price."""
    params = {"proposal": proposal, "key": key, "approve": refuse is None, "reason": refuse or "", "note": note}
    _run_to_file(context, "price.statement", params, out)


@price.command("sign")
@click.argument("file", type=_FILE)
@click.option("--key", type=_FILE, required=True, help="The key file of the person who signs.")
@click.option("--out", type=_FILE, required=True, help="The file to bring back.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def sign(context: Context, file: Path, key: Path, out: Path, yes: bool) -> None:
    """On a device of your own: read what FILE says, and sign it. Needs no node and no network."""
    with exit_codes(context.as_json):
        _check_free(out)
        to_sign = _read_form(file, ToSign)
        reading = read_before_signing(to_sign)
        _print_reading(reading, context.as_json)
        if not yes:
            click.confirm("Sign this?", abort=True, err=True)
        signed: SignedStatement = sign_as_person(to_sign, read_person_key(key))
        _write(out, msgspec.json.encode(signed))
        if not context.as_json:
            say(f"Written to {out}.")


@click.command()
@click.argument("file", type=_FILE)
@click.pass_obj
def person(context: Context, file: Path) -> None:
    """Make a person's own key in FILE, outside the node's home; print its public part."""
    with exit_codes(context.as_json):
        public = make_person_key(file, Clock(), context.home)
    click.echo(msgspec.json.encode({"file": str(file), "public": public}) if context.as_json else public)


COMMANDS = {"disclosure": disclosure, "price": price, "key person": person}


def _run_to_file(context: Context, operation: str, params: dict[str, Any], out: Path) -> None:
    """Run an operation whose answer is for one reader: it goes into a file, never onto the terminal."""
    with exit_codes(context.as_json):
        _check_free(out)
        _write(out, msgspec.json.encode(call(context.home, operation, params)))
        _say_written(context, out)


def _say_written(context: Context, out: Path) -> None:
    if context.as_json:
        click.echo(msgspec.json.encode({"file": str(out)}))
    else:
        say(f"Written to {out}.")


def _read_form(file: Path, form: type[Form]) -> Form:
    try:
        return msgspec.convert(read_json(file), form)
    except msgspec.ValidationError as error:
        raise RefusedError.at(str(file), str(error)) from None


def _check_free(out: Path) -> None:
    if out.exists():
        raise RefusedError.at(str(out), "there is a file already; nothing was changed")


def _write(out: Path, content: bytes) -> None:
    """Only for its owner to read: openings and statements are nobody else's."""
    out.touch(mode=0o600, exist_ok=False)
    out.write_bytes(content + b"\n")


def _print_accepted(answer: dict[str, Any]) -> None:
    say(f"{answer['kept']} openings taken in, {answer['known']} were known.")


def _print_reading(reading: Reading, as_json: bool) -> None:
    if as_json:
        click.echo(msgspec.json.encode(reading))
        return
    verdict = "YES" if reading.approve else f"NO ({reading.reason})"
    say(f"You say {verdict} to {reading.price} for {reading.product} of {reading.maker}, version {reading.version},")
    say(f"from {reading.valid_from}, on the price committee of {reading.buyer}. The price is made of:")
    print_table(("what for", "amount"), reading.lines)
