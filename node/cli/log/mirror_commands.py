"""`rochdale log push`: hand this home's log to a mirror elsewhere. By hand, for it asks again until all is there."""

from typing import Any

import click

from node.cli.calls import Context, call, exit_codes, print_answer
from node.cli.files import read_key
from node.cli.printing import say
from node.cli.progress import show_progress
from node.use_cases.description import count
from protocol.core.errors import PeerError


@click.command()
@click.argument("url")
@click.argument("key", nargs=-1)
@click.pass_obj
def push(context: Context, url: str, key: tuple[str, ...]) -> None:
    """Hand this home's log to the mirror at URL (its submission prefix), which signs with KEY (vkeys, or files).

    It goes on where an earlier push stopped. Without KEY nobody checks what the mirror signs.
    """
    with exit_codes(context.as_json):
        params = {"url": url, "keys": [read_key(one) for one in key]}
        reached = -1
        with show_progress(context.as_json) as watch:
            progress = watch("records")
            while not (answer := call(context.home, "log.push", params))["is_done"]:
                progress(answer["next_entry"], answer["size"])
                if answer["next_entry"] <= reached:
                    raise PeerError(f"the mirror comes no further than {count(answer['next_entry'], 'record')}")
                reached = answer["next_entry"]
        print_answer(context.as_json, answer, _print_pushed)


COMMANDS = {"log push": push}


def _print_pushed(answer: dict[str, Any]) -> None:
    say(f"{answer['url']} holds the log with {count(answer['size'], 'record')}.")
    names = ", ".join(answer["cosigners"])
    say(f"Signed by {names}." if names else "Its signature was not checked: name its key for that.")
