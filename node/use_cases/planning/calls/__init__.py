"""A call: made, made again, found by its id, voted on."""
