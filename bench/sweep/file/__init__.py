"""The sweep file as plain values, each with its line and column, and what is wrong with it."""
