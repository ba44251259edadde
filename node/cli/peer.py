"""`rochdale peer`: hand out this node's card, add those of others, see who is connected."""

from typing import Any

import click

from node.cli.calls import Context, exit_codes, run_command
from node.cli.files import read_line
from node.cli.printing import print_table, say


def add_commands(group: click.Group) -> None:
    """Hang this area's commands into `rochdale`."""
    group.add_command(peer)


@click.group()
def peer() -> None:
    """The nodes of other co-ops that this one talks to."""


@peer.command()
@click.pass_obj
def card(context: Context) -> None:
    """Print this node's card: one line for others to add."""
    run_command(context, "peer.card", {}, lambda answer: say(answer["card"]))


@peer.command()
@click.argument("card")
@click.option("--url", help="Call this address (wss://host:port) instead of the one in the card; '' never calls.")
@click.pass_obj
def add(context: Context, card: str, url: str | None) -> None:
    """Add a peer by its CARD: the line that `rochdale peer card` printed there, or a file that holds it."""
    with exit_codes(context.as_json):
        params = {"card": read_line(card), "url": url}
    run_command(context, "peer.add", params, _print_added)


@peer.command(name="list")
@click.pass_obj
def list_(context: Context) -> None:
    """List the peers and how it stands with each."""
    run_command(context, "peer.list", {}, _print_peers)


@peer.command()
@click.argument("origin")
@click.pass_obj
def remove(context: Context, origin: str) -> None:
    """Hang up on the peer of this ORIGIN and forget its keys. Its records stay."""
    run_command(context, "peer.remove", {"origin": origin}, lambda answer: say(f"Removed {answer['origin']}."))


def _print_added(answer: dict[str, Any]) -> None:
    how = f"calling {answer['url']}" if answer["url"] else "waiting to be called"
    say(f"Added {answer['name']} ({answer['origin']}), {how}.")


def _print_peers(answer: dict[str, Any]) -> None:
    if not answer["peers"]:
        say("No peers yet: give others what `rochdale peer card` prints, and `rochdale peer add` what they give you.")
        return
    rows = [(one["name"], one["origin"], one["state"], one["direction"], one["last_error"]) for one in answer["peers"]]
    print_table(("name", "origin", "state", "direction", "last error"), rows)
