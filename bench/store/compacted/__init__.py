"""The large files that finished trials are folded into, and what is live of them."""
