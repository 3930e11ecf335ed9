"""From a scene to comparable features: masks, registration, indices."""
