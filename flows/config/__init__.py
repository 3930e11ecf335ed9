"""Settings and credentials, and what else is read from the environment."""
