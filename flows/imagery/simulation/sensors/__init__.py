"""How the simulated world looks to Sentinel-1 and Sentinel-2, and when they pass."""
