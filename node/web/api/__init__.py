"""The API of a node: its operations by name, for its own commands."""
