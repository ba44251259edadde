"""What holds for every test: no network beyond this machine, no deadline on a slow one, outside vectors where they are.

Invariant: a test that needs the outside vectors says so when it is skipped ("needs ../shared").
"""

import gc
import ipaddress
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from hypothesis import HealthCheck, settings

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
LOCAL_NAMES = frozenset({"localhost", "", None})

# All test files are loaded and none is ever let go: looking through them for garbage, again and again while they are
# loaded and then in every test, was a third of the loading and a thirtieth of the rest.
gc.disable()

settings.register_profile("house", deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("house")


def _stay_on_this_machine(event: str, arguments: tuple[object, ...]) -> None:
    """An audit hook sees every connection, whoever opens it."""
    if event == "socket.connect":
        address = arguments[1]
    elif event == "socket.getaddrinfo":
        address = arguments[:1]
    else:
        return
    if isinstance(address, tuple) and not _is_local(address[0]):
        raise PermissionError(f"a test reached for {address[0]}: tests stay on this machine")


def _is_local(host: object) -> bool:
    if host in LOCAL_NAMES:
        return True
    try:
        return ipaddress.ip_address(host.decode() if isinstance(host, bytes) else str(host)).is_loopback
    except ValueError:
        return host == b"localhost"


sys.addaudithook(_stay_on_this_machine)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes long begins first: whole files, as one worker does a file."""
    long_files = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in long_files)


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop() -> None:
    """What was loaded stays; from here on, in the process that only counts results too, garbage is looked for."""
    gc.freeze()
    gc.enable()


@pytest.fixture(autouse=True)
def kept_logging() -> Iterator[None]:
    """A command that runs in the tests' process sends its log where its own test listens, and no further."""
    before = structlog.get_config()
    yield
    structlog.configure(**before)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of outside vectors beside the checkout; the test is skipped, and says so, where it is absent."""
    if not SHARED_DATA.is_dir():
        pytest.skip("needs ../shared")
    return SHARED_DATA
