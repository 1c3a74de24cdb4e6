"""What may be said of all claims from a sample, how large a sample has to be, and what a public table may show."""
