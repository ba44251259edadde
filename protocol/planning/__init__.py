"""The planning engine: how a region agrees on who makes and who gets what, the same bytes on every node."""
