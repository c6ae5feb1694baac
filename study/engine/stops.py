"""Which tunings were stopped early: told by the scheduler, read by the queue and the search."""

from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass
class Stops:
    """Early stops of one launch.

    Attributes:
        reasons: key of each stopped tune stage to why, for people.
        spared: keys of tune stages that must not be stopped.
    """

    reasons: dict[str, str] = field(default_factory=dict)
    spared: set[str] = field(default_factory=set)

    def spare(self, tunes: Iterable[str]) -> None:
        """Let these tunings run to their end, whatever they promise; stopped ones go on."""
        for key in tunes:
            self.spared.add(key)
            self.reasons.pop(key, None)
