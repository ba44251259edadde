"""Keys are sealed on disk, opened only by what sealed them."""

from pathlib import Path

import pytest

from protocol.core.errors import RefusedError
from protocol.core.identity import HOME_SEED_BYTES, generate_home_keys
from storage import keyring

KEYS = generate_home_keys(bytes(range(HOME_SEED_BYTES)))
RANDOM = bytes(range(199, 255))


def test_a_key_file_opens_what_it_sealed_and_no_seed_lies_in_the_open(tmp_path: Path) -> None:
    keyring.seal(tmp_path, KEYS, RANDOM)
    assert keyring.unseal(tmp_path) == KEYS
    written = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert KEYS.log not in written and KEYS.tls not in written
    assert all(path.stat().st_mode & 0o077 == 0 for path in tmp_path.iterdir())


def test_a_passphrase_opens_what_it_sealed_and_nothing_else_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keyring, "OPSLIMIT", 1)
    monkeypatch.setattr(keyring, "MEMLIMIT", 8192)
    keyring.seal(tmp_path, KEYS, RANDOM, "twenty-eight weavers")
    assert keyring.unseal(tmp_path, "twenty-eight weavers") == KEYS
    with pytest.raises(RefusedError, match="does not open"):
        keyring.unseal(tmp_path, "twenty-nine weavers")
    with pytest.raises(RefusedError, match="passphrase is needed"):
        keyring.unseal(tmp_path)


def test_a_missing_or_changed_key_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match="rochdale init"):
        keyring.unseal(tmp_path)
    keyring.seal(tmp_path, KEYS, RANDOM)
    (tmp_path / keyring.KEY_FILE).write_bytes(b"\0" * 32)
    with pytest.raises(RefusedError, match="does not open"):
        keyring.unseal(tmp_path)
    (tmp_path / keyring.KEY_FILE).unlink()
    with pytest.raises(RefusedError, match="key file is missing"):
        keyring.unseal(tmp_path)
