"""The write-once archive of scenes as they were received."""
