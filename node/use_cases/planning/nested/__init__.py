"""Plans of two levels: who speaks for a region, what is planned where, and what an auditor finds."""
