"""Made-up economies of two levels."""
