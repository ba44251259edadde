"""The first page with its three questions, and the tour."""
