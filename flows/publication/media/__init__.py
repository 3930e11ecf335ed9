"""The pictures of a publication pack: before and after, a timelapse, the chart of built ground by month."""
