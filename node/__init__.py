"""What a person or a peer touches: use cases, peering, pages and commands round the pure rules."""
