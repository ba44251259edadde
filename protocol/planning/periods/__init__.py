"""Several periods in one plan: what is there in summer and what is there in winter are two goods."""
