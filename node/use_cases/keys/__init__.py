"""A home's keys in people's hands: how they open, what may be shown of them, and what follows when one is lost."""
