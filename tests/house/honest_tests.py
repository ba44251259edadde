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
        asserting = _asserting_functions(source)
        breaches.extend(
            Breach(f"{source.path}:{function.lineno}", f"{function.name} asserts nothing")
            for function in functions_of(source)
            if function.name.startswith("test_") and function.name not in asserting
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


def _asserting_functions(source: SourceFile) -> set[str]:
    """The functions of a file that assert something, themselves or through one another."""
    functions = functions_of(source)
    asserting: set[str] = set()
    while found := {one.name for one in functions if one.name not in asserting and _asserts(one, asserting)}:
        asserting |= found
    return asserting


def _asserts(function: ast.FunctionDef | ast.AsyncFunctionDef, asserting: set[str]) -> bool:
    return any(
        isinstance(node, ast.Assert) or (isinstance(node, ast.Call) and _is_checking(node.func, asserting))
        for node in ast.walk(function)
    )


def _is_checking(called: ast.expr, asserting: set[str]) -> bool:
    name = ast.unparse(called)
    is_named_so = name.rpartition(".")[2].startswith(CHECKING_PREFIXES)
    return is_named_so or name in {"pytest.raises", "pytest.fail"} or name in asserting
