"""The Prefect flows, the command line, and the rooms in which effects live."""
