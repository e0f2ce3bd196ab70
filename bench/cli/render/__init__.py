"""What commands print: results as tables for a terminal, messages and errors."""
