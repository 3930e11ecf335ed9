"""Rasters and catalogs that let a finding be checked."""
