"""Facilitators: their signed words on a call, members' objections, and what they come to at this node."""
