"""Scenes from Sentinel Hub or the Copernicus Data Space Ecosystem."""
