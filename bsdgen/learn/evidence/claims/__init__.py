"""What explanations claim beyond the rows: cells that no row met, and what stands there."""
