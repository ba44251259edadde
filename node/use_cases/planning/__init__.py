"""Making a plan at this node: from a call to what its meeting decided."""
