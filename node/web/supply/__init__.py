"""Products and what their prices are made of."""
