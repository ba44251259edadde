"""Homes that every test of the folder starts from a copy of."""

from pathlib import Path

import pytest

from tests.node.region.village import make_called_homes, make_homes


@pytest.fixture(scope="session")
def made_homes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five homes, strangers to one another."""
    return make_homes(tmp_path_factory.mktemp("made"))


@pytest.fixture(scope="session")
def called_homes(made_homes: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same in one federation, with a plan called."""
    return make_called_homes(made_homes, tmp_path_factory.mktemp("federated"))
