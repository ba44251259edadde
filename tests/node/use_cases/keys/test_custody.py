"""Keys open as people want it, change without ever being lost, and a home that others can look into is refused."""

from pathlib import Path

import pytest

from node.clock import Clock
from node.config import Config, load_config
from node.use_cases.home import init_home, open_node
from node.use_cases.keys.custody import change_passphrase, export_sealed
from protocol.core.errors import RefusedError
from protocol.core.identity import HomeKeys
from storage import keyring


@pytest.fixture
async def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    monkeypatch.setattr(keyring, "OPSLIMIT", 1)
    monkeypatch.setattr(keyring, "MEMLIMIT", 8192)
    for name in ("one", "two"):
        (tmp_path / f"{name}.txt").write_text(f"passphrase {name}\n")
    await init_home(Config(home=tmp_path / "home"), Clock())
    return load_config(tmp_path / "home")


def keys_of(config: Config) -> HomeKeys:
    node = open_node(config, Clock())
    node.database.close()
    return node.keys


def test_from_a_key_file_to_a_passphrase_to_another_and_back(config: Config, tmp_path: Path) -> None:
    home, keys = config.home, keys_of(config)
    one, two = str(tmp_path / "one.txt"), str(tmp_path / "two.txt")
    assert change_passphrase(load_config(home), Clock(), one) == "argon2id"
    assert not (home / keyring.KEY_FILE).exists() and keys_of(load_config(home)) == keys
    assert change_passphrase(load_config(home), Clock(), two) == "argon2id"
    with pytest.raises(RefusedError, match="does not open"):
        keyring.unseal(home, "passphrase one")
    assert change_passphrase(load_config(home), Clock(), "") == "file"
    assert keys_of(load_config(home)) == keys and load_config(home).passphrase_file == ""
    with pytest.raises(RefusedError, match="by their key file already"):
        change_passphrase(load_config(home), Clock(), "")


def test_cut_short_before_the_new_box_is_written_the_old_one_still_opens(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = keys_of(config)
    written: list[Path] = []

    def cut(path: Path, content: bytes, mode: int = 0o600) -> None:
        written.append(path)
        raise OSError("no power")

    with monkeypatch.context() as power:
        power.setattr(keyring, "write_durably", cut)
        with pytest.raises(OSError, match="no power"):
            change_passphrase(config, Clock(), str(tmp_path / "one.txt"))
    assert written == [config.home / keyring.SEALED_FILE] and keys_of(config) == keys


def test_keys_leave_a_home_only_sealed_and_into_a_new_folder(config: Config, tmp_path: Path) -> None:
    target, secret = tmp_path / "safe", str(tmp_path / "one.txt")
    with pytest.raises(RefusedError, match="only under a passphrase"):
        export_sealed(config, Clock(), target, "")
    export_sealed(config, Clock(), target, secret)
    assert keyring.unseal(target, "passphrase one") == keys_of(config)
    assert [path.name for path in target.iterdir()] == [keyring.SEALED_FILE]
    with pytest.raises(RefusedError, match="exists"):
        export_sealed(config, Clock(), target, secret)


@pytest.mark.parametrize(
    ("name", "mode", "right"),
    [("", 0o750, "chmod 700"), ("", 0o701, "chmod 700"), ("keys.key", 0o640, "600"), ("keys.sealed", 0o604, "600")],
    ids=["a home for the group", "a home for all", "a key file for the group", "sealed keys for all"],
)
def test_a_home_that_others_can_open_is_refused(config: Config, name: str, mode: int, right: str) -> None:
    (config.home / name).chmod(mode)
    with pytest.raises(RefusedError, match=right):
        open_node(config, Clock())
