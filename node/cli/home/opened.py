"""A home that a command opens itself, because no node of it runs."""

import asyncio
import logging
import sys
from pathlib import Path
from typing import Any

import msgspec
import structlog

from node.clock import Clock
from node.operations import load_operation
from node.use_cases.home import begin_command, open_made, open_node
from node.use_cases.misfit import refuse_misfit
from storage.home.home_lock import HomeLock


def run_here(home: Path, name: str, payload: bytes) -> Any:
    """Run the operation of this name on the home, whose node must not run; its answer as plain JSON values."""
    quiet_logs()
    return asyncio.run(_run_here(home, name, payload))


def quiet_logs() -> None:
    """Logs of a short command: warnings only, on stderr."""
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


async def _run_here(home: Path, name: str, payload: bytes) -> Any:
    config = open_made(home)
    lock = HomeLock.take(home)
    try:
        node = open_node(config, Clock())
        begin_command(node)
        try:
            operation = load_operation(name)
            try:
                params = msgspec.json.decode(payload, type=operation.params)
            except msgspec.ValidationError as error:
                raise refuse_misfit(error, name) from None
            return msgspec.to_builtins(await operation.run(node, params))
        finally:
            node.database.close()
    finally:
        lock.release()
