"""Plans in whole batches: looked for on this machine, judged by everybody alike."""
