"""Training the embedded backbone from nothing: ``python -m sd4match.backbones.train_nano RUN``.

What it learns from, and what for, is told in ``sd4match/testbed/nano/model/README.md``.
"""
