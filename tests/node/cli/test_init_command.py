"""`rochdale init`: asks nothing, is done once, and refuses before it writes."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from nacl.pwhash import argon2id

from node.clock import Clock
from node.config import Config
from node.use_cases.home import init_home
from protocol.core.errors import RefusedError
from storage import keyring
from storage.database import Database, open_reader
from storage.log.log_store import heads
from storage.private.till_lines import add_file
from tests.node.cli.command_line import Run, runner


def test_a_home_is_made_without_a_question_and_shows_its_recovery_key_once(rochdale: Run, home: Path) -> None:
    said = rochdale("init")
    assert (said.code, said.err) == (0, "")
    (key,) = [line.strip() for line in said.out.splitlines() if line.startswith("    ")]
    assert len(bytes.fromhex(key)) == 32 and "It is shown only now" in said.out
    kept = b"".join(path.read_bytes() for path in home.rglob("*") if path.is_file())
    assert key.encode() not in kept and bytes.fromhex(key) not in kept
    assert "A co-op without a name yet" in rochdale("status").out


def test_a_second_init_is_refused_and_changes_nothing(at_home: Run, home: Path) -> None:
    before = {path.name: path.read_bytes() for path in home.iterdir()}
    said = at_home("init", "--json")
    assert said.code == 1 and said.json["findings"][0]["reason"] == "a home is here already; nothing was changed"
    assert {path.name: path.read_bytes() for path in home.iterdir()} == before


def test_what_a_home_writes_is_its_owners_alone(at_home: Run, home: Path, tmp_path: Path) -> None:
    till = tmp_path / "till.csv"
    till.write_text("date,item,qty,amount\n2017-01-01,Oats,1,1.10\n")
    assert at_home("till", "import", till).code == 0
    open_to_others = [path.name for path in (home, *home.rglob("*")) if path.stat().st_mode & 0o077]
    assert open_to_others == []
    assert {"node.sqlite", "keys.sealed", "keys.key", "config.toml", "lock.sqlite"} <= {
        path.name for path in home.iterdir()
    }


def test_a_passphrase_opens_a_home_from_wherever_one_stands(
    rochdale: Run, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As cheap as the library allows: what it costs to guess is not what is tried here.
    monkeypatch.setattr(keyring, "OPSLIMIT", argon2id.OPSLIMIT_MIN)
    monkeypatch.setattr(keyring, "MEMLIMIT", argon2id.MEMLIMIT_MIN)
    (tmp_path / "secret.txt").write_text("four plain words here\n")
    monkeypatch.chdir(tmp_path)
    # A relative name must still be found from another folder: the node may start anywhere.
    assert rochdale("init", "--passphrase-file", "secret.txt").code == 0
    monkeypatch.chdir("/")
    assert not (home / "keys.key").exists()
    assert rochdale("status").code == 0
    (tmp_path / "secret.txt").write_text("four other words here\n")
    said = rochdale("status", "--json")
    assert said.code == 1 and "passphrase does not open it" in said.json["error"]


REFUSED = {
    "a passphrase file that is not there": (("--passphrase-file", "absent.txt"), "cannot be read as text"),
    "an empty passphrase": (("--passphrase-file", "empty.txt"), "must have 1 to 1024 bytes"),
    "a passphrase that is no text": (("--passphrase-file", "bytes.bin"), "cannot be read as text"),
    "a name of blanks": (("--name", "  "), "name: must have 1 to 80 printable characters"),
    "a name of two lines": (("--name", "North\nside"), "name: must have 1 to 80 printable characters"),
    "a name of 81 letters": (("--name", "n" * 81), "name: must have 1 to 80 printable characters"),
    "an address that is none": (("--peer-url", "http://a"), "url: must be empty or of the form wss://host:port"),
}


@pytest.mark.parametrize("words, reason", REFUSED.values(), ids=REFUSED)
def test_what_cannot_become_a_home_is_refused_before_anything_is_written(
    rochdale: Run, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], reason: str
) -> None:
    (tmp_path / "empty.txt").write_bytes(b"\n")
    (tmp_path / "bytes.bin").write_bytes(b"\xff\xfe\x00")
    monkeypatch.chdir(tmp_path)
    said = rochdale("init", *words)
    assert said.code == 1 and reason in said.err and said.out == ""
    assert not home.exists()
    assert rochdale("init").code == 0


def test_a_folder_with_other_things_in_it_stays_as_it_is(rochdale: Run, home: Path) -> None:
    home.mkdir(mode=0o755)
    (home / "letters.txt").write_text("not ours")
    said = rochdale("init")
    assert said.code == 1 and "the folder holds other things (letters.txt); name an empty one" in said.err
    assert home.stat().st_mode & 0o777 == 0o755 and len(list(home.iterdir())) == 1


def test_a_file_where_the_home_should_be_is_named(rochdale: Run, home: Path) -> None:
    home.write_text("")
    said = rochdale("init")
    assert said.code == 1 and f"{home}: this is a file; a home needs a folder of its own" in said.err


def test_every_letter_of_a_name_survives_the_settings_file(rochdale: Run, home: Path) -> None:
    name = 'Oak "&" Ash \\ Bäckerei 🍞'
    assert rochdale("init", "--name", name).code == 0
    assert tomllib.loads((home / "config.toml").read_text("utf-8")) == {"name": name}
    assert rochdale("status", "--json").answer["name"] == name


class CutShortError(Exception):
    """Stands for the power cut."""


async def cut_short(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An `init` that ends after its log is begun and before its keys are kept."""

    def fail(*_: object) -> None:
        raise CutShortError

    with monkeypatch.context() as patch:
        patch.setattr(keyring, "seal", fail)
        with pytest.raises(CutShortError):
            await init_home(Config(home=home), Clock())
    assert (home / "node.sqlite").exists()


async def test_an_init_that_was_cut_short_may_begin_again(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    await cut_short(home, monkeypatch)
    made = await init_home(Config(home=home), Clock())
    reader = open_reader(home / "node.sqlite")
    assert [head.origin for head in heads(reader)] == [made.origin]
    reader.close()


async def test_a_database_with_peoples_work_and_no_keys_is_not_begun_again(
    home: Path, monkeypatch: pytest.MonkeyPatch, rochdale: Run
) -> None:
    await cut_short(home, monkeypatch)
    database = Database(home / "node.sqlite")
    await database.write(lambda db: add_file(db, "may.csv", bytes(32), 0, []))
    database.close()
    before = (home / "node.sqlite").read_bytes()
    with pytest.raises(RefusedError, match="a database without its keys"):
        await init_home(Config(home=home), Clock())
    assert (home / "node.sqlite").read_bytes() == before


@pytest.mark.parametrize("folder", ["Küche & Büro #1", "what? 100% 'ours'", "a;b\\c"])
def test_a_home_may_lie_in_a_folder_of_any_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], folder: str
) -> None:
    """Names that a path in an address or in SQL would end at."""
    run = runner(capsys, tmp_path / folder / "home")
    assert run("init", "--name", "Küche").code == 0
    assert run("status").code == 0 == run("log", "show").code
    beside = {"home", "home-signed"}
    assert {path.name for path in (tmp_path / folder).iterdir()} == beside and len(list(tmp_path.iterdir())) == 1


def test_a_terminal_of_few_letters_shows_all_that_it_can(tmp_path: Path) -> None:
    """No sentence of ours ends a command where a terminal, or a log that it goes to, knows no arrow and no umlaut."""
    words = [sys.executable, "-m", "node.cli.main", "--home", str(tmp_path / "home"), "init", "--name", "Küche"]
    narrow = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run(words, capture_output=True, env=narrow, check=False, timeout=60)
    assert done.returncode == 0 and b"Next:" in done.stdout and b"Traceback" not in done.stderr
    assert (tmp_path / "home" / "node.sqlite").exists()
