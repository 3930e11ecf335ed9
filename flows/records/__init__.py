"""Typed records that the rooms share; each is written in the ledger and read by the rooms above it."""
