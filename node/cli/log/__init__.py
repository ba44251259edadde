"""`rochdale log` and `rochdale audit`: a log's outside, for its owner and for strangers."""
