"""The parts of `scripts/bench plan`: economies, trials, the textbook rules beside ours, and those who lie."""
