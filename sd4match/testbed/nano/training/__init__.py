"""Training of the embedded backbone from scratch: ``python -m sd4match.commands.train_nano RUN``.

``sd4match/testbed/nano/model/README.md`` says what it learns from and why.
"""
