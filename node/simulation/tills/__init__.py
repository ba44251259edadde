"""Till lines that are nobody's: drawn from a seed, or of the grocery data package."""
