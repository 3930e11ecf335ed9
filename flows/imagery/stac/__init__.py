"""Scenes from a STAC API or a static catalog."""
