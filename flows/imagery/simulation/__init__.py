"""The simulated ground, its weather, its stories and the two instruments that look at it."""
