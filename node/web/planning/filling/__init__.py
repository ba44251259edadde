"""From what this node reports of a plan to what its pages say."""
