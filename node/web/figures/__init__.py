"""How figures are shown: in words and in drawings."""
