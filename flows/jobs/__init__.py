"""The Prefect flows, one file each, with their deployments, schedules and server."""
