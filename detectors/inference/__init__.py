"""What may have been missed, and whether growth follows responses: statistics over counts, places and days."""
