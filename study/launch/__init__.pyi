from .launch import launch_report as launch_report
from .outputs import Answers as Answers
from .outputs import update_answers as update_answers
from .plan_report import describe_plan as describe_plan
from .plan_report import plan_of as plan_of
from .plan_report import preview as preview
from .plan_report import sharing_tree as sharing_tree

__all__ = [
    "Answers",
    "describe_plan",
    "launch_report",
    "plan_of",
    "preview",
    "sharing_tree",
    "update_answers",
]
