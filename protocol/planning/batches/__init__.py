"""Whole batches: what is done at once or not at all, and how a draft that knows none becomes a plan that keeps them."""
