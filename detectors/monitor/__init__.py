"""The watch over one area as a fold: history, acquisitions, week after week."""
