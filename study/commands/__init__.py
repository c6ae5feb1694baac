"""The commands of ``study``: each parses its arguments, calls one function, prints the answer."""
