"""What lets a stranger check a pack: its files, how they are read, and how they are checked."""
