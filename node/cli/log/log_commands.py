"""`rochdale log`: the head of a log, its records, proofs of them, and its files for mirrors and auditors."""

from pathlib import Path
from typing import Any

import click

from node.cli.calls import Context, call, exit_codes, print_answer
from node.cli.printing import print_table, say
from node.use_cases.description import count
from storage.disk import write_durably

ORIGIN = click.option("--origin", default="", help="Which log; this home's own if none is named.")
ROOT_SHOWN = 16


@click.group()
def log() -> None:
    """This home's log and the logs it holds for others."""


@log.command()
@ORIGIN
@click.option("--last", type=click.IntRange(0, 1_000), default=20, help="How many of the latest records.")
@click.pass_obj
def show(context: Context, origin: str, last: int) -> None:
    """How long a log is, who cosigned it, the key that auditors need, and its latest records."""
    with exit_codes(context.as_json):
        shown = call(context.home, "log.show", {"origin": origin, "last": last})
        head = call(context.home, "log.checkpoint", {"origin": origin}) if shown["log"]["size"] else {"key": ""}
        print_answer(context.as_json, {**shown, "key": head["key"]}, _print_log)


@log.command()
@click.argument("index", type=click.IntRange(0))
@ORIGIN
@click.option("--size", type=click.IntRange(0), default=0, help="Under the head of so many records; else the newest.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="The file to write; else it is printed.")
@click.pass_obj
def prove(context: Context, index: int, origin: str, size: int, out: Path | None) -> None:
    """Prove to anyone, offline, that record number INDEX stands in the log."""
    with exit_codes(context.as_json):
        answer = call(context.home, "log.prove", {"index": index, "origin": origin, "size": size})
        if out is not None:
            write_durably(out, answer["proof"].encode())
        print_answer(context.as_json, answer, lambda told: _print_proof(told, out))


@log.command()
@ORIGIN
@click.option("--out", type=click.Path(path_type=Path), help="Write the first piece into this file.")
@click.pass_obj
def evidence(context: Context, origin: str, out: Path | None) -> None:
    """What shows, to anyone who has its key, that a log was signed on two branches or after its end."""
    with exit_codes(context.as_json):
        answer = call(context.home, "log.evidence", {"origin": origin})
        if out is not None:
            write_durably(out, answer["files"][0].encode())
        print_answer(context.as_json, answer, lambda told: _print_evidence(told, out))


COMMANDS = {"log": log}


def _print_log(answer: dict[str, Any]) -> None:
    log = answer["log"]
    say(f"{log['name']} ({log['origin']}): {count(log['size'], 'record')}, root {log['root'][:ROOT_SHOWN]}.")
    if log["versions"] > 1:
        say("Two versions of this log exist; both are kept and shown.")
    if log["has_ended"]:
        say(f"This log ended: its first {count(log['counted'], 'record')} count.")
        if log["signed_after_end"]:
            say(f"A head of {count(log['signed_after_end'], 'record')} was signed beyond that end: its last records")
            say("had not reached the others by then, or its key is still in use.")
            say("The proof: `rochdale log evidence`.")
    elif log["counted"] < log["size"]:
        say(f"Its first {count(log['counted'], 'record')} count; what comes after does in closed decisions only.")
    cosigners = ", ".join(f"{one['name']} up to {one['size']}" for one in log["cosigners"])
    say(f"Cosigned by {cosigners}." if cosigners else "Cosigned by nobody yet.")
    if answer["key"]:
        say(f"Its key, for auditors: {answer['key']}")
    rows = [(one["index"], one["kind"], one["leaf"][:ROOT_SHOWN], one["void"]) for one in answer["records"]]
    print_table(("index", "kind", "id", "void because"), rows)


def _print_proof(answer: dict[str, Any], out: Path | None) -> None:
    if out is None:
        say(answer["proof"].removesuffix("\n"))
    else:
        say(f"Wrote {out}: record {answer['index']} of {answer['origin']}, under its head of {answer['size']} records.")


def _print_evidence(answer: dict[str, Any], out: Path | None) -> None:
    if out is None:
        say("\n".join(text for text in answer["files"]).removesuffix("\n"))
    else:
        say(f"Wrote {out}, the first of {count(len(answer['files']), 'piece')} of evidence about {answer['origin']}.")
