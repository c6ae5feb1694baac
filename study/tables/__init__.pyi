from .best import best_report as best_report
from .best import best_space as best_space
from .comparison import comparison_facts as comparison_facts
from .comparison import comparison_report as comparison_report
from .layout import Layout as Layout
from .pivot_table import pivot as pivot
from .published import PUBLISHED as PUBLISHED
from .published import Published as Published
from .reproduce import launch_command as launch_command
from .reproduce import search_space as search_space
from .status import live_lines as live_lines
from .status import status_report as status_report
from .table import FORMATS as FORMATS
from .table import Table as Table
from .tables import ablation as ablation
from .tables import overview as overview
from .tables import study_table as study_table

__all__ = [
    "FORMATS",
    "PUBLISHED",
    "Layout",
    "Published",
    "Table",
    "ablation",
    "best_report",
    "best_space",
    "comparison_facts",
    "comparison_report",
    "launch_command",
    "live_lines",
    "overview",
    "pivot",
    "search_space",
    "status_report",
    "study_table",
]
