"""Parallel text: pairs of sentences, from files in two languages to batches of tokens."""
