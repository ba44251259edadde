"""A call from its first word to the vote: called, made again, looked at, ratified."""
