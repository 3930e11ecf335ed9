"""What the week's pages show, read from the record and the archive."""
