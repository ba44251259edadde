"""How co-ops that trust each other agree: charter, roster, and one decision at a time."""
