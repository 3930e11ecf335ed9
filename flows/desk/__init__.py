"""The review desk: pages on which people look at each case and say what they think of it."""
