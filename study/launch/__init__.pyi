from .launch import launch_report as launch_report
from .plan_report import plan_report as plan_report
from .provenance import recorded as recorded

__all__ = [
    "launch_report",
    "plan_report",
    "recorded",
]
