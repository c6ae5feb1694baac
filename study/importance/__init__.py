"""Which axis of a study matters, and how much; each number with its interval."""

from study.importance.importance import importance

__all__ = ["importance"]
