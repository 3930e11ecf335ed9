"""Comparison with the world: public annotations read, and the programme's own figures computed."""
