"""Serving web apps within limits."""
