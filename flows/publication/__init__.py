"""What leaves the house for others: publication packs, and the formats that people open."""
