"""The ground of the simulated world: terrain, fields, towns, compounds."""
