"""The made-up region: who is in it, what they make, price and release."""
