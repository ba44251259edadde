"""Commands on this home itself: made, run, looked at; and a home that is opened because its node does not run."""
