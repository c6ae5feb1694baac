"""Why trials ended before their work was done: told by the scheduler, read by queue and search."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from study.engine.faults import Fault


@dataclass
class Endings:
    """Early endings of one launch.

    Attributes:
        stopped: key of each tuning that was stopped early to why, for people.
        spared: keys of tune stages that must not be stopped.
        errors: id of each trial that ended with an error to its fault and the reason, for people.
    """

    stopped: dict[str, str] = field(default_factory=dict)
    spared: set[str] = field(default_factory=set)
    errors: dict[str, tuple[Fault, str]] = field(default_factory=dict)

    def spare(self, tunes: Iterable[str]) -> None:
        """Let these tunings run to their end, whatever they promise; stopped ones go on."""
        for key in tunes:
            self.spared.add(key)
            self.stopped.pop(key, None)
