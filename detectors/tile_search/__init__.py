"""The search of whole regions: one index, strip by strip, until one detector does both."""
