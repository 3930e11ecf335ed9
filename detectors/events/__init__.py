"""From objects to events: their states, the alerts they deserve, the criteria of new suspect sites."""
