"""How small a change would have been seen, and how late."""
