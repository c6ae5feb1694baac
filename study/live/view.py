"""What a launch looks like while it runs: the same lines for its terminal and `study status`."""

from collections.abc import Iterator, Mapping
from typing import Any

from study import labels
from study.labels import several

COMPUTING = "computing"
"""The phase in which time left means something."""
NAMES = {"latents": "latents", "tune": "prompts", "predict": "trials"}
BAR = 24  # cells
MOST = 8
"""Running items that are shown; the rest is counted."""


def lines(state: Mapping[str, Any]) -> list[str]:
    """A snapshot of `study.live.progress.Progress` in words, a handful of lines.

    Args:
        state: plain values, as they come out of JSON.
    """
    return [
        f"{clock(state['seconds'])} on {several(state['workers'], 'worker')}, {_left(state)}",
        *_work(state["work"]),
        _best(state["best"]),
        *_running(state["running"]),
        *(f"  {i['event']} {i['label']}: {i['said']}" for i in state["incidents"]),
        *_failures(state),
    ]


def clock(seconds: float) -> str:
    """A time for people: ``42 s``, ``3 min 20 s``, ``2 h 05 min``."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60:,} h {minutes % 60:02d} min"


def _left(state: Mapping[str, Any]) -> str:
    if state["phase"] != COMPUTING:
        return str(state["phase"])
    if state["left"] is None:
        return "time left: unknown until each kind of work was timed"
    low, high = map(clock, state["left"])
    return f"{low} to {high} left" if low != high else f"about {high} left"


def _work(work: Mapping[str, Mapping[str, int]]) -> Iterator[str]:
    for kind, counts in work.items():
        if not (total := counts["total"]):
            continue
        over = min(total, counts["there"] + counts["done"] + counts["failed"] + counts["stopped"])
        full = round(BAR * over / total)
        said = [f"{counts['there']:,} were there"] if counts["there"] else []
        said += [f"{counts[event]:,} {event}" for event in ("failed", "stopped") if counts[event]]
        notes = f"  ({', '.join(said)})" if said else ""
        yield f"{NAMES[kind]:8} {'━' * full}{'╌' * (BAR - full)} {over:,}/{total:,}{notes}"


def _best(best: Mapping[str, Any] | None) -> str:
    if best is None:
        return "best so far: none is measured yet"
    return (
        f"best so far: {best['metric']} {100 * best['value']:.1f} %, configuration "
        f"{best['configuration']}: {labels.settings(best['settings'])}"
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
