from .launch import launch_report as launch_report
from .outputs import Answers as Answers, update_answers as update_answers
from .plan_report import (
    describe_plan as describe_plan,
    plan_of as plan_of,
    preview as preview,
    sharing_tree as sharing_tree,
)
