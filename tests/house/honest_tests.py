"""What a test must be: it asserts something, waits for nothing, and puts no mock in the place of a thing."""

import ast

from tests.house.sizes import functions_of
from tests.house.source_tree import Breach, SourceFile, SourceTree

MOCK_MODULES = ("unittest.mock", "mock", "pytest_mock")
CHECKING_PREFIXES = ("check_", "assert_", "expect_", "_check", "_assert", "_expect", "run_state_machine")


def audit_tests(tree: SourceTree) -> list[Breach]:
    """Tests without an assertion, mocks, and sleeps."""
    breaches = []
    for source in tree.python:
        if not source.path.startswith("tests/"):
            continue
        breaches.extend(_audit_mocks(source))
        breaches.extend(_audit_sleeps(source))
        breaches.extend(
            Breach(f"{source.path}:{function.lineno}", f"{function.name} asserts nothing")
            for function in functions_of(source)
            if function.name.startswith("test_") and not _asserts(function)
        )
    return breaches


def _audit_mocks(source: SourceFile) -> list[Breach]:
    return [
        Breach(f"{source.path}:{found.line}", f"imports {found.target}: use a fake behind the real interface")
        for found in source.imports
        if found.target.startswith(MOCK_MODULES)
    ]


def _audit_sleeps(source: SourceFile) -> list[Breach]:
    """`sleep(0)` only yields to the loop and is allowed."""
    return [
        Breach(f"{source.path}:{node.lineno}", "sleeps: wait for the event itself")
        for node in source.nodes
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) in {"time.sleep", "asyncio.sleep", "sleep"}
        and not (node.args and isinstance(node.args[0], ast.Constant) and node.args[0].value == 0)
    ]


def _asserts(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return any(
        isinstance(node, ast.Assert) or (isinstance(node, ast.Call) and _is_checking(node.func))
        for node in ast.walk(function)
    )


def _is_checking(called: ast.expr) -> bool:
    name = ast.unparse(called)
    return name in {"pytest.raises", "pytest.fail"} or name.rpartition(".")[2].startswith(CHECKING_PREFIXES)
