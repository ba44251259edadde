"""What every record rests on: errors, whole-number quantities, bytes, keys, notes, envelopes and commitments."""
