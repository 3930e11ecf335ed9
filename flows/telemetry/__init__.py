"""What a run says of itself: logs, progress, step times, metrics, run records."""
