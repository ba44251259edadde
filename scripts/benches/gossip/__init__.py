"""The parts of `scripts/bench gossip`: made-up homes, the processes that are measured, what they are held against."""
