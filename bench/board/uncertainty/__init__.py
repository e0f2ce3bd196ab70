"""How sure a board is: what stands behind its ±, paired differences, and how many seeds would decide them."""
