"""Training the embedded backbone from scratch on generated drawings."""
