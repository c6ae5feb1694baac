"""Running a plan on Ray: work items, warm workers, dependencies, search, preflight."""
