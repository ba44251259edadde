"""The people who look after a plan while it is made: what they may say, and what it comes to."""
