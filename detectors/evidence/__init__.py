"""From residuals to evidence that adds up over acquisitions."""
