"""What is watched: areas, the pixel grid of each, the weeks of the watch, and the reading of area files."""
