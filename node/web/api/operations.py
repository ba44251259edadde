"""The operations of a node as the API runs them: by name, on parameters checked against their type first."""

from collections.abc import Mapping
from typing import Any

import msgspec

from node.use_cases.context import Node, Operation
from node.use_cases.misfit import refuse_misfit


class OperationTable:
    """The node's operations by name."""

    def __init__(self, node: Node, operations: Mapping[str, Operation]) -> None:
        self._node = node
        self._operations = operations

    def describe(self) -> list[dict[str, Any]]:
        """Name, doc, whether it writes, and the JSON schema of the parameters, by name."""
        return [
            {
                "name": name,
                "doc": operation.doc,
                "writes": operation.writes,
                "params": msgspec.json.schema(operation.params),
            }
            for name, operation in sorted(self._operations.items())
        ]

    def find(self, name: str) -> Operation | None:
        """The operation of this name."""
        return self._operations.get(name)

    def list_pages(self) -> dict[str, list[Operation]]:
        """The operations that have a page, by its path."""
        pages: dict[str, list[Operation]] = {}
        for operation in self._operations.values():
            if operation.page is not None:
                pages.setdefault(operation.page.path, []).append(operation)
        return pages

    async def run(self, operation: Operation, params: object) -> Any:
        """The result of an operation; RefusedError when the parameters are wrong."""
        return await operation.run(self._node, read_params(operation, params))


def read_params(operation: Operation, params: object, is_text: bool = False) -> msgspec.Struct:
    """The parameters of an operation from plain values; in an address numbers and flags are text too."""
    try:
        return msgspec.convert(params, operation.params, strict=not is_text)
    except msgspec.ValidationError as error:
        raise refuse_misfit(error, operation.name) from error
