"""The two roads of a session's content: from our store to the peers, and from the peers to our store."""
