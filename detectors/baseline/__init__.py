"""What unchanged ground is expected to look like, and how far a look departs from it."""
