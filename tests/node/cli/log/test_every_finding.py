"""`rochdale audit log` as a stranger types it: for each thing that can be wanting, exit code 1 and a plain sentence."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from protocol.core.mldsa44 import Mldsa44Key
from protocol.core.note import COSIGNATURE_MLDSA44, format_vkey, parse_note
from protocol.log.cosignature import add_signature, sign_mldsa44_cosignature
from tests.interop.made_log import LOG_KEY, LOG_VKEY, TIME_S, MadeLog, Witness
from tests.node.cli.command_line import Run

SIZE = 600
LOG = MadeLog(SIZE)
OTHER = MadeLog(SIZE, branch=" told otherwise", parts_at=400)
ANNA, BEN, CLEO = Witness(1), Witness(2), Witness(3)
LONG_KEY = Mldsa44Key(b"m" * 32)
POLICY = f"""log {LOG_VKEY}
witness anna {ANNA.vkey}
witness anna-long {format_vkey(ANNA.name, COSIGNATURE_MLDSA44, LONG_KEY.public)}
witness ben {BEN.vkey}
witness cleo {CLEO.vkey}
group either any anna anna-long
group most 2 either ben cleo
quorum most
"""


def write(path: str, change: Callable[[bytes], bytes]) -> Callable[[Path], object]:
    return lambda folder: (folder / path).write_bytes(change((folder / path).read_bytes()))


def forge(note: bytes) -> bytes:
    """The note with one letter of its last signature changed."""
    return note[:-6] + (b"A" if note[-6:-5] != b"A" else b"B") + note[-5:]


def remake(folder: Path) -> None:
    """The log as it would be had another been written, under the head of the first."""
    shutil.rmtree(folder / "tile")
    OTHER.write_folder(folder, LOG.note(SIZE, ANNA, BEN))


# What is done to a log of 600 whose head anna and ben cosigned, and the sentence.
WANTING: dict[str, tuple[Callable[[Path], object], str]] = {
    "a changed byte": (
        write("tile/entries/001", lambda raw: raw.replace(b"made-up entry 300", b"made-up entry 3O0", 1)),
        "tile/entries/001: entry 300 is not what the log promised",
    ),
    "a byte too few": (
        write("tile/entries/002.p/88", lambda raw: raw[:-1]),
        "tile/entries/002.p/88: bundle: entry 87 is cut off or too long",
    ),
    "a missing bundle": (
        lambda folder: (folder / "tile/entries/001").unlink(),
        "tile/entries/001: missing: entries 256 to 511",
    ),
    "a missing tile": (lambda folder: (folder / "tile/0/001").unlink(), "tile/0/001: missing"),
    "a false tile": (
        write("tile/0/001", lambda raw: raw[:64] + bytes([raw[64] ^ 1]) + raw[65:]),
        "tile/0/001: its hash for entry 258 is false; the entries themselves are right",
    ),
    "another root": (remake, f"checkpoint: the {SIZE} entries lead to the root"),
    "no head": (lambda folder: (folder / "checkpoint").unlink(), "checkpoint: missing"),
    "a head that the log did not sign": (
        write("checkpoint", lambda note: note.replace(b"\n600\n", b"\n601\n")),
        "checkpoint: note: the signature of made-up.example/log is wrong",
    ),
    "a missing cosignature": (
        lambda folder: (folder / "checkpoint").write_bytes(LOG.note(SIZE, ANNA)),
        "checkpoint: 1 of 4 witnesses cosigned it, which is not the policy's quorum; missing: anna-long, ben, cleo",
    ),
    "one witness with two keys": (
        write("checkpoint", lambda _: _with_long_line(LOG.note(SIZE, ANNA))),
        "checkpoint: 2 of 4 witnesses cosigned it, which is not the policy's quorum; missing: ben, cleo",
    ),
    "a false cosignature beside enough right ones": (
        lambda folder: (folder / "checkpoint").write_bytes(forge(LOG.note(SIZE, ANNA, BEN, CLEO))),
        "checkpoint: the cosignature of cleo is false",
    ),
    "an earlier head that it does not begin with": (
        lambda folder: (folder.parent / "since").write_bytes(OTHER.note(500)),
        "checkpoint: the first 500 entries are not those of the earlier head: it parts before that index",
    ),
    "an earlier head that was longer": (
        lambda folder: (folder.parent / "since").write_bytes(MadeLog(SIZE + 5).note(SIZE + 5)),
        f"checkpoint: has {SIZE} entries; an earlier head had {SIZE + 5}",
    ),
}


def _with_long_line(note: bytes) -> bytes:
    return add_signature(note, sign_mldsa44_cosignature(parse_note(note)[0], ANNA.name, LONG_KEY, TIME_S))


@pytest.fixture
def words(tmp_path: Path) -> list[object]:
    """An audit of a log that is whole, with a policy and an earlier head."""
    LOG.write_folder(tmp_path / "log", LOG.note(SIZE, ANNA, BEN))
    (tmp_path / "policy").write_text(POLICY)
    (tmp_path / "since").write_bytes(LOG.note(500))
    return ["audit", "log", tmp_path / "log", "--policy", tmp_path / "policy", "--since", tmp_path / "since"]


def test_a_log_that_is_whole_is_called_so(rochdale: Run, words: list[object]) -> None:
    told = rochdale(*words)
    assert (told.code, told.out.endswith("Cosigned by anna, ben.\nNothing is wanting.\n")) == (0, True)
    assert f"{SIZE} records read" in told.out
    assert LOG_KEY.public not in told.out.encode()


@pytest.mark.parametrize("case", WANTING)
def test_each_thing_that_is_wanting_is_said_in_a_sentence(
    rochdale: Run, words: list[object], tmp_path: Path, case: str
) -> None:
    damage, sentence = WANTING[case]
    damage(tmp_path / "log")
    told = rochdale(*words)
    assert told.code == 1
    assert any(line.startswith(sentence) for line in told.out.splitlines()), told.out
    assert " read, root " not in told.out, "where something is wanting, not all was read"
    said = rochdale(*words, "--json")
    findings = [f"{one['place']}: {one['reason']}" for one in said.json["findings"]]
    assert said.code == 1 and any(finding.startswith(sentence) for finding in findings)
