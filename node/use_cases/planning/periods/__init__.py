"""Plans of several periods: what is told of them beside the plan."""
