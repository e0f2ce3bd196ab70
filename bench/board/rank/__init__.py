"""Rank: which method is best over many tasks, and whether these tell so (Demšar 2006, JMLR 7, pages 1 to 30)."""
