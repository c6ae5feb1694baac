"""The embedded backbone ``nano``: its weights in ``model/``, and how they were trained."""
