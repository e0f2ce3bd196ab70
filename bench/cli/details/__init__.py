"""Details: everything about one trial, method, field or sweep, for `sambench show`."""
