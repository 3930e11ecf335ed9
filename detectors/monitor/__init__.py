"""The watch over one area as a fold: history, looks, week after week."""
