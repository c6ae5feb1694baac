"""What a worker has to say beside its results: warnings, gathered for the driver."""

import logging

MOST = 5  # of a step; a broken folder of latents would fill pages


class Notes(logging.Handler):
    """Keeps the warnings of both packages until they are taken."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._kept: list[str] = []
        for package in ("sd4match", "study"):
            logging.getLogger(package).addHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one message."""
        self._kept.append(" ".join(record.getMessage().split()))

    def take(self) -> list[str]:
        """What was said since the last call."""
        said, self._kept = self._kept, []
        more = len(said) - MOST
        return said[:MOST] + ([f"… and {more} more"] if more > 0 else [])
