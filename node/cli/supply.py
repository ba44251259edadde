"""`rochdale price sign`: by hand, for nothing is signed before a person has read it and said yes. Needs no node."""

from pathlib import Path

import click
import msgspec

from node.cli.calls import Context, exit_codes, print_json
from node.cli.files import check_free, read_form
from node.cli.printing import print_table, say
from node.use_cases.supply.person_key import (
    Reading,
    check_is_theirs,
    read_before_signing,
    read_person_key,
    sign_as_person,
)
from node.use_cases.supply.signing import ToSign
from storage.disk import write_durably

_FILE = click.Path(path_type=Path)


@click.command("sign")
@click.argument("file", type=_FILE)
@click.option("--key", type=_FILE, required=True, help="The key file of the person who signs.")
@click.option("--out", type=_FILE, required=True, help="The file to bring back.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def _sign(context: Context, file: Path, key: Path, out: Path, yes: bool) -> None:
    """On a device of your own: read what FILE says, and sign it. Needs no node and no network."""
    with exit_codes(context.as_json):
        check_free([out])
        to_sign = msgspec.convert(read_form(file, ToSign), ToSign)
        reading, person = read_before_signing(to_sign), read_person_key(key)
        check_is_theirs(to_sign, person)
        if not context.as_json:
            _print_reading(reading)
        elif not yes:
            click.echo(msgspec.json.encode(reading), err=True)
        if not yes:
            click.confirm("Sign this?", abort=True, err=True)
        write_durably(out, msgspec.json.encode(sign_as_person(to_sign, person)) + b"\n")
        if context.as_json:
            print_json(msgspec.to_builtins(reading))
        else:
            say(f"Written to {out}.")


COMMANDS = {"price sign": _sign}


def _print_reading(reading: Reading) -> None:
    verdict = "YES" if reading.approve else f"NO ({reading.reason})"
    say(f"You say {verdict} to {reading.price} for {reading.product} of {reading.maker}, version {reading.version},")
    say(f"from {reading.valid_from}, on the price committee of {reading.buyer}. The price is made of:")
    print_table(("what for", "amount"), reading.lines)
