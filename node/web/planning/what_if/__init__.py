"""The plan tried again with changes."""
