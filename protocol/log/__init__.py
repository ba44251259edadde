"""The log of one home: its tree, its signed heads, who has cosigned them and how entries travel."""
