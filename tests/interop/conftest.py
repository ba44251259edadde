"""The Go program, built once a run; where Go is not installed these tests are skipped and say so."""

import pytest

from tests.interop.go_program import GoProgram, build_program, find_missing


@pytest.fixture(scope="session")
def go_program(tmp_path_factory: pytest.TempPathFactory) -> GoProgram:
    """The program that checks us with code that nobody of this project wrote."""
    missing = find_missing()
    if missing:
        pytest.skip(missing)
    return build_program(tmp_path_factory.mktemp("go"))
