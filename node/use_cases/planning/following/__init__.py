"""One round of a call as this node follows it."""
