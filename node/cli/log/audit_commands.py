"""`rochdale audit`: check what others published, with nothing but their keys. Needs no home.

Invariant: found wanting ends with exit code 1 and a plain sentence for each; only what was checked is called good.
"""

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import msgspec

from node.cli.calls import Context, exit_codes, print_answer
from node.cli.files import read_bytes, read_key
from node.cli.log.ahead_files import AheadFiles
from node.cli.printing import say
from node.cli.progress import show_progress
from node.clock import Clock
from node.use_cases.description import EXIT_REFUSED, count
from node.use_cases.log.auditing import audit_files, audit_proof, policy_of_key
from node.use_cases.log.evidence import audit_evidence
from node.use_cases.log.files import FolderFiles
from protocol.core.encoding import ENTRY_BYTES_MAX
from protocol.core.errors import MisuseError, PeerError, RefusedError
from protocol.core.note import NOTE_BYTES_MAX, VerifierKey, parse_vkey
from protocol.log.audit.log_files import FileReader, Foresee
from protocol.log.fork import EVIDENCE_BYTES_MAX
from protocol.log.policy import POLICY_BYTES_MAX, Policy, parse_policy
from protocol.log.proof import PROOF_BYTES_MAX
from storage.disk import write_durably

KEY = click.option("--key", help="The log's verifier key, or a file that holds it.")
POLICY = click.option("--policy", type=click.Path(path_type=Path), help="Whose cosignatures it needs (tlog-policy).")
WEB_SCHEMES = ("http://", "https://")
FINDINGS_SHOWN = 100


@click.group()
def audit() -> None:
    """Check what others published, with nothing but their keys."""


@audit.command(name="log")
@click.argument("place")
@KEY
@POLICY
@click.option("--since", type=click.Path(path_type=Path), help="An earlier head, to see that nothing was taken back.")
@click.option("--evidence", type=click.Path(path_type=Path), help="Write fork evidence here if it was.")
@click.pass_obj
def audit_log(
    context: Context, place: str, key: str | None, policy: Path | None, since: Path | None, evidence: Path | None
) -> None:
    """Read the whole log at PLACE (a folder or a web address) and say everything that is wanting."""
    with exit_codes(context.as_json):
        trusted, log_key = _read_trust(key, policy)
        earlier = None if since is None else read_bytes(since, NOTE_BYTES_MAX)
        with _open_files(place) as (read, foresee), show_progress(context.as_json) as watch:
            report = audit_files(read, trusted, log_key, earlier, watch("records"), foresee)
        if evidence is not None and report.evidence:
            write_durably(evidence, report.evidence.encode())
        print_answer(context.as_json, msgspec.to_builtins(report), _print_report)
        if report.findings:
            sys.exit(EXIT_REFUSED)


@audit.command()
@click.argument("file", type=click.Path(path_type=Path))
@KEY
@POLICY
@click.option("--record", type=click.Path(path_type=Path), help="The record itself, if it is not beside the proof.")
@click.pass_obj
def proof(context: Context, file: Path, key: str | None, policy: Path | None, record: Path | None) -> None:
    """Check the proof in FILE (a .tlog-proof): that one record stands in a log."""
    with exit_codes(context.as_json):
        trusted, log_key = _read_trust(key, policy)
        entry = None if record is None else read_bytes(record, ENTRY_BYTES_MAX)
        try:
            found = audit_proof(read_bytes(file, PROOF_BYTES_MAX), trusted, log_key, entry)
        except PeerError as error:
            raise RefusedError.at(str(file), error.reason) from None
        print_answer(context.as_json, msgspec.to_builtins(found), _print_proof)


@audit.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--key", required=True, help="The log's verifier key, or a file that holds it.")
@click.pass_obj
def evidence(context: Context, file: Path, key: str) -> None:
    """Check the evidence in FILE: that a log was signed on two branches, or after its end."""
    with exit_codes(context.as_json):
        try:
            found = audit_evidence(read_bytes(file, EVIDENCE_BYTES_MAX), parse_vkey(read_key(key)))
        except PeerError as error:
            raise RefusedError.at(str(file), error.reason) from None
        print_answer(context.as_json, msgspec.to_builtins(found), _print_evidence)


COMMANDS = {"audit": audit}


def _read_trust(key: str | None, policy: Path | None) -> tuple[Policy, VerifierKey | None]:
    if key is None and policy is None:
        raise MisuseError("an audit needs a key that it can trust: --key, --policy, or both")
    log_key = None if key is None else parse_vkey(read_key(key))
    if policy is not None:
        return parse_policy(read_bytes(policy, POLICY_BYTES_MAX)), log_key
    assert log_key is not None
    return policy_of_key(log_key), log_key


@contextlib.contextmanager
def _open_files(place: str) -> Iterator[tuple[FileReader, Foresee]]:
    if not place.startswith(WEB_SCHEMES):
        if not Path(place).is_dir():
            raise RefusedError.at(place, "no folder is here")
        yield FolderFiles(Path(place)), lambda needs: None
        return
    files = AheadFiles(place, Clock())
    try:
        yield files, files.foresee
    finally:
        files.close()


def _print_report(report: dict[str, Any]) -> None:
    if report["origin"]:
        # Where something is wanting, the head's word is all that is known of how many there are.
        verb = "promised" if report["findings"] else "read"
        say(f"{report['origin']}: {count(report['records'], 'record')} {verb}, root {report['root']}.")
    if report["cosigned"]:
        say(f"Cosigned by {', '.join(sorted(report['cosigned']))}.")
    for finding in report["findings"][:FINDINGS_SHOWN]:
        say(f"{finding['place']}: {finding['reason']}")
    wanting = len(report["findings"]) + report["more"]
    if wanting > FINDINGS_SHOWN:
        say(f"and {wanting - FINDINGS_SHOWN} more.")
    say(f"{count(wanting, 'thing is', 'things are')} wanting." if wanting else "Nothing is wanting.")
    if report["evidence"]:
        say("Two versions of this log exist, and that can be proven: --evidence FILE writes the proof.")


def _print_evidence(found: dict[str, Any]) -> None:
    shorter, longer = found["shorter"], found["longer"]
    if found["is_after_end"]:
        say(f"It holds: {found['origin']} was signed with {count(longer['size'], 'record')} beyond the end named here.")
        say(f"That end: {count(shorter['size'], 'record')}, root {shorter['root']}.")
        say("Compare it with what the members decided, or the successor's first records say. It does not say why.")
    else:
        say(f"It holds: {found['origin']} was signed on two branches. It does not say why.")
        for head in (shorter, longer):
            say(f"One head: {count(head['size'], 'record')}, root {head['root']}.")


def _print_proof(found: dict[str, Any]) -> None:
    say(f"It holds: record {found['index']} of {found['origin']}, under its head of {found['size']} records.")
    say(
        f"Cosigned by {', '.join(sorted(found['cosigned']))}." if found["cosigned"] else "No cosignature was asked for."
    )
