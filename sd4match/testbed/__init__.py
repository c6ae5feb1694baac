"""What makes a laptop run possible: a generated benchmark and an embedded backbone.

Nobody who has real data and a real backbone needs it.
"""
