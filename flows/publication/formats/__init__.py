"""The figures of a pack in the formats that people open."""
