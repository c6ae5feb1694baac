"""Which axis of a study matters, and how much; each number with its interval."""

from study.importance.by_design import importance

__all__ = ["importance"]
