"""Searching a space with Optuna: what is proposed, what it was worth, and what is chosen."""
