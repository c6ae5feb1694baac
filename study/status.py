"""How far a study is: what ``study status`` prints; needs neither torch nor Ray."""

import time
from typing import Any

from study.folder import StudyFolder
from study.live import heartbeat, view
from study.study import Study


def status_report(folder: StudyFolder) -> tuple[dict[str, Any], str]:
    """Whether a study runs, was interrupted or is finished, and what is there of it.

    While it runs this is what its driver says of itself; the store is left alone.

    Returns:
        Facts, ``state`` among them, and the same in words.
    """
    beat, name = heartbeat.read(folder.path), str(folder.facts["name"])
    board = str(folder.tensorboard) if folder.tensorboard.is_dir() else None
    where = [f"curves: tensorboard --logdir {board}"] if board else []
    if beat and beat["alive"]:
        facts = {"study": name, "state": "running", "tensorboard": board, **beat}
        headline = f"study {name}: running as process {beat['pid']} on {beat['host']}"
        return facts, "\n".join([headline, *view.lines(beat), *where])
    state, why = _ended(folder, beat)
    cells = Study(folder).cells.drop_duplicates(["configuration", "dataset", "split"])
    done = int((cells["status"] == "done").sum())
    reasons = cells.loc[cells["status"] != "done", "reason"].value_counts()
    failed = ((key, folder.log(key)) for key in folder.read_failures())
    logs = {key: str(log) for key, log in failed if log.exists()}
    facts = {
        "study": name,
        "state": state,
        "tensorboard": board,
        "cells": len(cells),
        "done": done,
        "missing": {str(reason): int(count) for reason, count in reasons.items()},
        "logs": logs,
    }
    lines = [
        f"study {name}: {state}{why}",
        f"{done} of {len(cells)} cells (configuration × split) are there",
        *(f"  {count} missing: {reason}" for reason, count in reasons.items()),
        *(f"  log: {log}" for log in logs.values()),
        *where,
    ]
    return facts, "\n".join(lines)


def _ended(folder: StudyFolder, beat: dict[str, Any] | None) -> tuple[str, str]:
    """The state of a study that does not run, and what to add for people."""
    launches = (folder.read_provenance() or {}).get("launches", [])
    outcome = launches[-1]["outcome"] if launches else "finished"  # made before there was a record
    again = f"`study launch {folder.facts['name']}` goes on"
    if beat:
        silent = view.clock(time.time() - beat["time"])
        return (
            "interrupted",
            f": process {beat['pid']} on {beat['host']}, silent for {silent}; {again}",
        )
    if outcome == "finished":
        return "finished", ""
    return "interrupted", f"{f' ({outcome})' if outcome else ''}: {again}"
