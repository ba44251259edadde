"""Workplaces that keep their recipes to themselves: what they show, work out at home, and end with."""
