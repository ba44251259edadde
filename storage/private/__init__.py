"""What people told their own node, and what never leaves it."""
