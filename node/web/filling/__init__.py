"""From what a use case answers to what a page shows: pure functions, one file an area."""
