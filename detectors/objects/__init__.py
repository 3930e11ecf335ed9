"""From evidence to objects: patches, lines, their change and their size."""
