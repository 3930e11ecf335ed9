"""Where things lie in the simulated world, and what happens there."""
