"""A launch while it runs: what it tells to a terminal, to ``study status`` and to programs."""
