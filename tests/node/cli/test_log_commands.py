"""`rochdale log` and `rochdale audit` as people type them: the owner on one side, a stranger without a home beside."""

import json
from pathlib import Path
from shutil import copytree

import pytest
from structlog import reset_defaults

from protocol.core.identity import generate
from protocol.log.checkpoint import Checkpoint, sign_checkpoint
from protocol.log.fork import check_evidence, parse_evidence
from storage.keyring import unseal
from tests.node.cli.command_line import Run
from tests.protocol.core.values import VECTORS


@pytest.fixture
def exported(at_home: Run, tmp_path: Path) -> tuple[Path, str]:
    """The folder of the home's exported log, and the log's key."""
    folder = tmp_path / "out"
    assert at_home("log", "export", folder, "--json").answer["size"] == 1
    return folder, at_home("log", "checkpoint", "--json").answer["key"]


def test_the_owner_sees_the_log_and_its_key(at_home: Run) -> None:
    shown = at_home("log", "show")
    assert shown.code == 0 and "1 record" in shown.out and "log.founding" in shown.out
    key = at_home("log", "checkpoint", "--json").answer["key"]
    assert key in shown.out.replace("\n", "")
    assert at_home("log", "checkpoint").out.startswith(key.split("+")[0] + "\n1\n")
    assert at_home("log", "show", "--origin", "east.example/log").code == 1


def test_a_stranger_checks_a_proof(at_home: Run, exported: tuple[Path, str], tmp_path: Path) -> None:
    key = exported[1]
    file = tmp_path / "first.tlog-proof"
    assert at_home("log", "prove", 0, "--out", file).out == f"Written to {file}.\n"
    assert at_home("log", "prove", 0).out.encode() == file.read_bytes()
    assert at_home("log", "prove", 1).code == 1
    held = at_home("audit", "proof", file, "--key", key)
    assert (held.code, held.out.startswith("It holds: record 0 of ")) == (0, True)
    file.write_bytes(file.read_bytes().replace(b"index 0", b"index 1"))
    found = at_home("audit", "proof", file, "--key", key)
    assert found.code == 1 and "first.tlog-proof: inclusion proof: no leaf 1 in a tree of size 1" in found.err
    assert at_home("audit", "proof", file).code == 2


def test_a_proof_may_travel_without_its_record(at_home: Run, exported: tuple[Path, str], tmp_path: Path) -> None:
    folder, key = exported
    file, record = tmp_path / "bare.tlog-proof", tmp_path / "record"
    lines = at_home("log", "prove", 0, "--json").answer["proof"].split("\n")
    file.write_text("\n".join(line for line in lines if not line.startswith("extra ")))
    assert "name the file that does" in at_home("audit", "proof", file, "--key", key).err
    record.write_bytes((folder / "tile" / "entries" / "000.p" / "1").read_bytes()[2:])
    assert at_home("audit", "proof", file, "--key", key, "--record", record).code == 0


def test_a_stranger_reads_the_whole_log(at_home: Run, exported: tuple[Path, str], tmp_path: Path) -> None:
    folder, key = exported
    whole = at_home("audit", "log", folder, "--key", key)
    assert (whole.code, whole.out.endswith("Nothing is wanting.\n")) == (0, True)
    key_file = tmp_path / "key"
    key_file.write_text(key + "\n")
    assert at_home("audit", "log", folder, "--key", key_file, "--since", folder / "checkpoint").code == 0
    bundle = folder / "tile" / "entries" / "000.p" / "1"
    bundle.write_bytes(bundle.read_bytes()[:-1] + b"x")
    found = at_home("audit", "log", folder, "--key", key)
    assert found.code == 1
    assert "tile/entries/000.p/1: entry 0 is not what the log promised\n1 thing is wanting.\n" in found.out
    told = at_home("audit", "log", folder, "--key", key, "--json")
    assert (told.code, told.json["findings"][0]["place"]) == (1, "tile/entries/000.p/1")


def test_a_terminal_shows_how_far_the_reading_is(
    at_home: Run, exported: tuple[Path, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, key = exported
    assert at_home("audit", "log", folder, "--key", key).err == ""
    # As rich takes it for a terminal.
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    shown = at_home("audit", "log", folder, "--key", key)
    assert (shown.code, "1 of 1 records" in shown.err) == (0, True)
    assert at_home("audit", "log", folder, "--key", key, "--json").err == ""


def test_a_policy_asks_for_cosignatures(at_home: Run, exported: tuple[Path, str], tmp_path: Path) -> None:
    folder, key = exported
    policy = tmp_path / "policy"
    witness = "anna+9bbe52de+BDc0CvCb+SqyO9rC+0PbgsS2VKe+TzZk8BuPbYgL5kEX"
    policy.write_text(f"log {key}\nquorum none\n")
    assert at_home("audit", "log", folder, "--policy", policy).code == 0
    policy.write_text(f"log {key}\nwitness anna {witness}\nquorum anna\n")
    refused = at_home("audit", "log", folder, "--policy", policy)
    assert refused.code == 1 and "its hash is not that of its name and key" in refused.err


def test_what_cannot_be_audited_is_said_with_its_exit_code(
    at_home: Run, exported: tuple[Path, str], tmp_path: Path
) -> None:
    folder, key = exported
    assert at_home("audit", "log", folder).code == 2
    assert at_home("audit", "log", tmp_path / "nowhere", "--key", key).code == 1
    assert at_home("audit", "log", "http://127.0.0.1:1/log", "--key", key).code == 3
    assert at_home("audit", "log", "http://", "--key", key).code == 1
    (tmp_path / "empty").mkdir()
    missing = at_home("audit", "log", tmp_path / "empty", "--key", key)
    assert (missing.code, "checkpoint: missing" in missing.out) == (1, True)
    strange = at_home("audit", "log", folder, "--key", key, "--since", folder / "tile" / "0" / "000.p" / "1")
    assert strange.code == 1 and "earlier head" in strange.err


def test_a_log_that_took_something_back_leaves_evidence(
    at_home: Run, exported: tuple[Path, str], home: Path, tmp_path: Path
) -> None:
    folder, key = exported
    origin = key.split("+")[0]
    log_key = generate(unseal(home, None).log)
    earlier, evidence = tmp_path / "earlier", tmp_path / "evidence"
    earlier.write_bytes(sign_checkpoint(Checkpoint(origin, 1, b"r" * 32), log_key))
    found = at_home("audit", "log", folder, "--key", key, "--since", earlier, "--evidence", evidence)
    assert found.code == 1
    assert "the first 1 entries are not those of the earlier head" in found.out
    shorter, longer = check_evidence(parse_evidence(evidence.read_bytes()), log_key.public, origin)
    assert (shorter.size, longer.size, shorter.root != longer.root) == (1, 1, True)


def test_another_home_takes_in_what_was_exported(at_home: Run, exported: tuple[Path, str], tmp_path: Path) -> None:
    folder, key = exported
    other = tmp_path / "other"
    assert at_home("init", "--name", "South", "--home", other).code == 0
    done = at_home("log", "import", folder, "--key", key, "--home", other)
    assert (done.code, "is held here with 1 record, 1 of them new" in done.out) == (0, True)
    origin = key.split("+")[0]
    assert at_home("log", "show", "--origin", origin, "--home", other, "--json").answer["log"]["size"] == 1
    assert at_home("log", "import", folder, "--key", key).code == 1


def test_what_a_node_would_log_does_not_stand_before_the_answer(
    at_home: Run, exported: tuple[Path, str], home: Path, tmp_path: Path
) -> None:
    key, copy, other = exported[1], tmp_path / "copy" / home.name, tmp_path / "other"
    copytree(home, copy)
    copytree(home.with_name(f"{home.name}-signed"), copy.with_name(f"{home.name}-signed"))
    assert at_home("init", "--name", "South", "--home", other).code == 0
    for version, north in ((home, "53N"), (copy, "54N")):
        assert at_home("plan", "place", north, "2W", "--home", version).code == 0
        assert at_home("log", "export", tmp_path / north, "--home", version).code == 0
    assert at_home("log", "import", tmp_path / "53N", "--key", key, "--home", other).code == 0
    reset_defaults()
    told = at_home("log", "import", tmp_path / "54N", "--key", key, "--home", other, "--json")
    assert told.code == 1 and "two versions of this log exist" in told.json["error"]
    assert "fork_evidence" in told.err


def test_a_stranger_checks_a_file_of_evidence_of_either_form(at_home: Run, tmp_path: Path) -> None:
    logs = json.loads((VECTORS / "log" / "logs.json").read_text("utf-8"))
    key = json.loads((VECTORS / "log" / "trees.json").read_text("utf-8"))["log_vkey"]
    file = tmp_path / "evidence.txt"
    for text, words, sizes in (
        (logs["after_end"], "with 7 records beyond the end named here", (4, 7)),
        (logs["forks"][1]["evidence"], "was signed on two branches", (4, 7)),
    ):
        file.write_text(text, "utf-8")
        held = at_home("audit", "evidence", file, "--key", key)
        assert held.code == 0 and words in held.out.replace("\n", " ")
        told = at_home("audit", "evidence", file, "--key", key, "--json").answer
        assert (told["shorter"]["size"], told["longer"]["size"]) == sizes
        file.write_text(text.replace("\n7\n", "\n8\n"), "utf-8")
        assert at_home("audit", "evidence", file, "--key", key).code == 1
    assert at_home("log", "evidence").code == 1
