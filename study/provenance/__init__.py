"""Where a study's numbers come from: what was asked, by which code, on which machines, when."""
