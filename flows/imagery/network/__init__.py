"""Addresses, buckets, quotas and retries of whatever is asked over a network."""
