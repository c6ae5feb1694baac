from .best import best_report as best_report
from .comparison import comparison_report as comparison_report
from .layout import Layout as Layout
from .pivot_table import pivot as pivot
from .published import PUBLISHED as PUBLISHED
from .published import Published as Published
from .reproduce import launch_command as launch_command
from .reproduce import search_space as search_space
from .status import status_report as status_report
from .table import Table as Table
from .tables import ablation as ablation
from .tables import overview as overview

__all__ = [
    "PUBLISHED",
    "Layout",
    "Published",
    "Table",
    "ablation",
    "best_report",
    "comparison_report",
    "launch_command",
    "overview",
    "pivot",
    "search_space",
    "status_report",
]
