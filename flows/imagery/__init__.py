"""Where pictures come from and where they are kept: sources, the scene, the write-once archive."""
