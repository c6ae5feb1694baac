"""The commands of ``study``: one module for what runs, one for what asks, one for what shows."""
