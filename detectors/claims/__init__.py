"""What became of structures that were claimed to be gone, and what a site's works have come to."""
