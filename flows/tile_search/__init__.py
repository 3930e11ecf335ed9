"""The wide search over whole tiles: what is known of every pixel, kept on disk, and the places that stand out."""
