"""Commands about what a federation agrees on."""
