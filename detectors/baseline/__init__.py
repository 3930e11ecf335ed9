"""What unchanged ground is expected to look like, and how far an acquisition departs from it."""
