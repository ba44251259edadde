"""A plan with every participant in one place: for trials on economy files, benches and tests."""
