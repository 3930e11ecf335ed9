"""Large areas: drawn sheet by sheet like a map, kept small, and seen strip by strip."""
