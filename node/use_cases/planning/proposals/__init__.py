"""This co-op's own side of a call: its people's wishes, the card that follows, and what they have let go."""
