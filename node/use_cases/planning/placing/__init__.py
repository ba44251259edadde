"""Where goods start and arrive, as co-ops say it themselves."""
