"""The sweep file as plain values with lines and columns, and its errors."""
