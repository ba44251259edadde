"""Homes that every test of the folder starts from a copy of."""

from pathlib import Path
from shutil import copytree

import pytest

from tests.node.region.village import make_homes


@pytest.fixture(scope="session")
def made_homes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five homes, strangers to one another."""
    return make_homes(tmp_path_factory.mktemp("made"))


@pytest.fixture
def homes(made_homes: Path, tmp_path: Path) -> Path:
    """The same, for one test."""
    return copytree(made_homes, tmp_path / "homes")
