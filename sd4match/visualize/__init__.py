"""Pictures for people and papers: matches, correlation maps, features, what a prompt generates.

Every function takes data and returns a matplotlib figure, bound to no window and no pyplot state;
``saving.save`` writes it.
"""
