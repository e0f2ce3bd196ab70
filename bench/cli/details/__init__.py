"""Details: all there is to say of one trial, method, field or sweep, for `sambench show`."""
