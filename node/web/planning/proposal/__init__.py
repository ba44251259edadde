"""The committee's page: its co-op's proposal, line by line."""
