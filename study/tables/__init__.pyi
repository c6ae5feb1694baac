from .best import best_report as best_report, best_space as best_space
from .comparison import comparison_facts as comparison_facts, comparison_report as comparison_report
from .layout import Layout as Layout
from .pivot_table import pivot as pivot
from .reproduce import launch_command as launch_command, search_space as search_space
from .status import live_lines as live_lines, status_report as status_report
from .table import FORMATS as FORMATS, Table as Table
from .tables import ablation as ablation, overview as overview, study_table as study_table
