"""The web side of a node: pages for people, an API for its own commands."""
