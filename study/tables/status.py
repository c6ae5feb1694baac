"""Status of a study as text and plain values, with live progress during a launch."""

import json
import time
from collections.abc import Iterator, Mapping
from typing import Any

from study.analysis.results import Results
from study.space import labels
from study.space.labels import clock, several
from study.store import heartbeat
from study.store.study_folder import StudyFolder
from study.tables import footnotes

ANSWERS = "answers.json"
"""The record of the tables and figures that a launch wrote, see `study.launch.outputs`."""


def status_report(folder: StudyFolder) -> tuple[dict[str, Any], str]:
    """Whether a study runs, was interrupted or is finished, and how much of it is computed.

    Of a running study this is the last snapshot of its driver; the store is not read.

    Returns:
        Plain values, among them ``state``, and the same in words.
    """
    beat, name = heartbeat.read(folder.path), str(folder.facts["name"])
    board = str(folder.tensorboard) if folder.tensorboard.is_dir() else None
    where = [f"curves: tensorboard --logdir {board}"] if board else []
    if beat and beat["alive"]:
        facts = {"study": name, "state": "running", "tensorboard": board, **beat}
        headline = f"study {name}: running as process {beat['pid']} on {beat['host']}"
        return facts, "\n".join([headline, *live_lines(beat), *where])
    state, why = ended(folder, beat)
    results = Results(folder)
    cells = results.measured.drop_duplicates(["configuration", "dataset", "split"])
    devices = results.devices()
    measured = cells[f"pck@{results.rule.alphas[0]:g}"].notna()
    done = int(measured.sum())
    reasons = cells.loc[~measured, "reason"].value_counts()
    failed = ((key, folder.log(key)) for key in folder.read_failures())
    logs = {key: str(log) for key, log in failed if log.exists()}
    facts = {
        "study": name,
        "state": state,
        "tensorboard": board,
        "results": len(cells),
        "done": done,
        "missing": {str(reason): int(count) for reason, count in reasons.items()},
        "logs": logs,
        "devices": devices,
        "unwritten": _unwritten(folder, state),
    }
    lines = [
        f"study {name}: {state}{why}",
        f"{done} of {len(cells)} results (configuration × split) are computed",
        *(f"  {count} missing: {reason}" for reason, count in reasons.items()),
        *(f"  log: {log}" for log in logs.values()),
        *([footnotes.mixed(devices)] if len(devices) > 1 else []),
        *([f"tables and figures: {facts['unwritten']}"] if facts["unwritten"] else []),
        *where,
    ]
    return facts, "\n".join(lines)


def _unwritten(folder: StudyFolder, state: str) -> str | None:
    """What is wrong with the tables and figures on disk; None if all are there."""
    try:
        files = json.loads((folder.path / ANSWERS).read_text(encoding="utf-8"))["files"]
        missing = [name for name in files if not (folder.path / name).is_file()]
    except (OSError, ValueError, LookupError, TypeError):
        return "not all are written yet"
    if missing:
        return f"missing: {', '.join(missing)}"
    return None if state == "finished" else "those of an earlier launch"


def ended(folder: StudyFolder, beat: dict[str, Any] | None) -> tuple[str, str]:
    """The state of a study that does not run, and what to add for people.

    Args:
        folder: of the study.
        beat: the last one of a driver that was killed; None if none was.
    """
    launches = (folder.read_provenance() or {}).get("launches", [])
    outcome = launches[-1]["outcome"] if launches else "finished"  # made before there was a record
    again = f"`study launch {folder.facts['name']}` continues it"
    if beat:
        silent = clock(time.time() - beat["time"])
        return (
            "interrupted",
            f": process {beat['pid']} on {beat['host']}, silent for {silent}; {again}",
        )
    if outcome == "finished":
        return "finished", ""
    return "interrupted", f"{f' ({outcome})' if outcome else ''}: {again}"


COMPUTING = "computing"
"""The phase in which there is an estimate of the time left."""
NAMES = {"latents": "latents", "tune": "prompts", "predict": "trials"}
BAR = 24  # characters
MOST = 8
"""Running items that are shown; the rest is counted."""


def live_lines(state: Mapping[str, Any]) -> list[str]:
    """A snapshot of `study.launch.progress.Progress` in words, a few lines.

    Args:
        state: plain values, as they come out of JSON.
    """
    return [
        f"{clock(state['seconds'])} on {several(state['workers'], 'worker')}, {_left(state)}",
        *_work(state["work"]),
        _best(state["best"]),
        *_running(state["running"]),
        *(f"  {i['event']} {i['label']}: {i['message']}" for i in state["incidents"]),
        *_failures(state),
    ]


def _left(state: Mapping[str, Any]) -> str:
    if state["phase"] != COMPUTING:
        return str(state["phase"])
    if state["left"] is None:
        return "time left: unknown until each kind of work has been timed"
    low, high = map(clock, state["left"])
    return f"{low} to {high} left" if low != high else f"about {high} left"


def _work(work: Mapping[str, Mapping[str, int]]) -> Iterator[str]:
    for kind, counts in work.items():
        if not (total := counts["total"]):
            continue
        over = sum(counts[event] for event in ("computed", "done", "failed", "stopped"))
        over = min(total, over)
        full = round(BAR * over / total)
        parts = [f"{counts['computed']:,} already computed"] if counts["computed"] else []
        parts += [f"{counts[event]:,} {event}" for event in ("failed", "stopped") if counts[event]]
        notes = f"  ({', '.join(parts)})" if parts else ""
        yield f"{NAMES[kind]:8} {'━' * full}{'╌' * (BAR - full)} {over:,}/{total:,}{notes}"


def _best(best: Mapping[str, Any] | None) -> str:
    if best is None:
        return "best so far: none is measured yet"
    return (
        f"best so far: {best['metric']} {100 * best['value']:.1f} %, configuration "
        f"{best['configuration']}: {labels.settings(best['settings']) or 'the baseline'}"
    )


def _running(running: list[Mapping[str, Any]]) -> Iterator[str]:
    for item in running[:MOST]:
        yield f"  {clock(item['seconds']):>12}  {item['label']}{_seen(item)}"
    if len(running) > MOST:
        yield f"  … and {len(running) - MOST:,} more are running"


def _seen(item: Mapping[str, Any]) -> str:
    """Where an item is: epoch, step, loss and validation PCK of a tuning, splits of a trial."""
    if item["kind"] == "predict":
        return f": {item['part']}/{item['parts']} splits"
    if item["kind"] != "tune":
        return ""
    said = f": epoch {item['epoch']}/{item['epochs']}, step {item['step']:,}/{item['steps']:,}"
    if item["loss"] is not None:
        said += f", loss {item['loss']:.3g}"
    if item["val_pck"] is not None:
        said += f", val PCK {100 * item['val_pck']:.1f} %"
    return said


def _failures(state: Mapping[str, Any]) -> Iterator[str]:
    if state["failed"]:
        yield f"{state['failed']:,} failed{', the last:' if state['failures'] else ''}"
    for failure in state["failures"]:
        yield f"  {failure['label']}: {failure['reason']}"
