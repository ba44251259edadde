"""What a producer makes, what is told about it, and what its price is made of."""
