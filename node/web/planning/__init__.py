"""The plan, one co-op's part of it, and the pages on which people touch it."""
