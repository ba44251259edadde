"""`rochdale key`: how this home's keys open, what may be shown of them, and going on when one was lost or stolen."""

from pathlib import Path
from typing import Any

import click

from node.cli.calls import Context, exit_codes, print_answer, run_command
from node.cli.files import read_bytes
from node.cli.printing import say
from node.clock import Clock
from node.use_cases.description import count
from node.use_cases.home import is_home, open_config
from node.use_cases.keys.custody import change_passphrase, export_sealed
from protocol.core.errors import RefusedError
from storage.home.home_lock import HomeLock

RECOVERY_BYTES_MAX = 1_024
FILE = click.Path(dir_okay=False, resolve_path=True)


@click.command(name="change-passphrase")
@click.option("--new-passphrase-file", type=FILE, help="The file with the new passphrase.")
@click.option("--key-file", is_flag=True, help="Open the keys by a key file instead, so that a node starts unattended.")
@click.pass_obj
def change(context: Context, new_passphrase_file: str | None, key_file: bool) -> None:
    """Have this home's keys open another way. The node must not run."""
    with exit_codes(context.as_json):
        if bool(new_passphrase_file) == key_file:
            raise click.UsageError("say --new-passphrase-file or --key-file")
        method = _locked(context, lambda config: change_passphrase(config, Clock(), new_passphrase_file or ""))
        print_answer(context.as_json, {"opens_by": method}, _print_changed)


@click.command()
@click.option("--sealed", type=click.Path(path_type=Path), help="Also put all keys, sealed, into this new folder.")
@click.option("--passphrase-file", type=FILE, help="The file with the passphrase that seals them.")
@click.pass_obj
def export(context: Context, sealed: Path | None, passphrase_file: str | None) -> None:
    """Print this home's public keys; with --sealed put the secret ones, under a passphrase, into a safe's folder."""
    if sealed is not None:
        with exit_codes(context.as_json):
            export_sealed(_config(context), Clock(), sealed, passphrase_file or "")
    run_command(context, "key.public", {}, _print_public)


@click.command()
@click.option("--recovery-key", type=click.Path(path_type=Path), required=True, help="A file with the recovery key.")
@click.option("--old", default="", help="The log that ended, where this node holds a copy of it.")
@click.option(
    "--old-home", type=click.Path(path_type=Path, file_okay=False), help="The old home, if it is still there."
)
@click.option("--size", type=click.IntRange(0), default=0, help="How many of its entries count (default: all here).")
@click.pass_obj
def succeed(context: Context, recovery_key: Path, old: str, old_home: Path | None, size: int) -> None:
    """Say in this new home's log that it goes on for one whose key was lost or stolen."""
    with exit_codes(context.as_json):
        if bool(old) == bool(old_home):
            raise click.UsageError("say --old or --old-home")
        secret = read_bytes(recovery_key, RECOVERY_BYTES_MAX).decode(errors="replace")
    params = {"recovery_key": secret, "old": old, "size": size}
    params["old_home"] = "" if old_home is None else str(old_home.absolute())
    run_command(context, "key.succeed", params, _print_succeeded)


COMMANDS = {
    "key": click.Group("key", help="Keys: of this home, and of persons."),
    "key change-passphrase": change,
    "key export": export,
    "key succeed": succeed,
}


def _config(context: Context) -> Any:
    if not is_home(context.home):
        raise RefusedError.at(str(context.home), "no home here; `rochdale init` makes one")
    return open_config(context.home)


def _locked(context: Context, work: Any) -> Any:
    config = _config(context)
    lock = HomeLock.take(context.home)
    try:
        return work(config)
    finally:
        lock.release()


def _print_changed(answer: dict[str, Any]) -> None:
    if answer["opens_by"] == "file":
        say("The keys open by a key file in the home now: whoever reads that folder has them.")
    else:
        say("The keys open by that passphrase now. Without it nobody opens them, and nobody can tell it to you.")


def _print_public(answer: dict[str, Any]) -> None:
    say(f"The log's key:\n  {answer['log']}\nThe witness's key:\n  {answer['witness']}")


def _print_succeeded(answer: dict[str, Any]) -> None:
    said = count(answer["size"], "entry", "entries")
    say(f"{answer['origin']} goes on for {answer['old']}, of which the first {said} count.")
    say("In a federation: have a member invite this home and join; it then takes the old one's place.")
