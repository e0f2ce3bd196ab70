"""Rank: which method is best over many tasks, and is the evidence enough (Demšar 2006, JMLR 7, pages 1 to 30)."""
