"""The arithmetic of planning: the public step, pinned to the bit, and the private problem of a council."""
