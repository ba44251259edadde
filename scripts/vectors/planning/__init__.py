"""The vectors of plans: a made-up village from its cards to what was carried."""
