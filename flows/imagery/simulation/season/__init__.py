"""Weather and crops of the simulated year."""
