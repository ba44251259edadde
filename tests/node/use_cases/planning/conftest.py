"""Homes that every test of the folder starts from a copy of."""

from pathlib import Path
from shutil import copytree

import pytest

from tests.node.region.village import make_called_homes, make_homes


@pytest.fixture(scope="session")
def called_homes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five homes in one federation, with a plan called."""
    homes = make_homes(tmp_path_factory.mktemp("made"))
    return make_called_homes(homes, tmp_path_factory.mktemp("federated"))


@pytest.fixture
def homes(called_homes: Path, tmp_path: Path) -> Path:
    """The same, for one test."""
    return copytree(called_homes, tmp_path / "homes")
