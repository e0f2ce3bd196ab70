"""How sure a board is: the meaning of ±, paired differences, and how many seeds would decide them."""
