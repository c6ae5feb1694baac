"""A search: Optuna proposes the paid axes, and every trial answers all free axes."""

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import optuna
from optuna.trial import TrialState

from sd4match.errors import SD4MatchError
from study.plan.inputs import key_of
from study.plan.plan import Plan, Planner
from study.search import samplers
from study.search.journal import JOURNAL, portable
from study.search.objectives import Objectives, Row, hypervolumes
from study.search.proposals import Proposal, Proposals, TrialResult
from study.search.record import STOPPED, WARM, Endings, Record, known_points
from study.search.trials import kept
from study.space import search_settings
from study.space.configuration import Configuration
from study.space.search_settings import Point
from study.space.space import Space
from study.store.retry import patiently
from study.store.study_folder import StudyFolder

NOT_ASKED = {"samples", "storage"}
"""Settings of a search that do not change which points it proposes."""


@dataclass(frozen=True)
class Trial:
    """A proposal with its configurations.

    Attributes:
        proposal: a point of the paid axes.
        grid: its settings: every value of the free axes; each is measured with all seeds.
        stopped: why it is not computed; None for almost all.
    """

    proposal: Proposal
    grid: tuple[Configuration, ...]
    stopped: str | None


class OptunaSearch:
    """A search in synchronous generations: proposed in order, reported in order, so it repeats.

    A later launch proposes everything again, because the same seed and the same history give the
    same points. Results are read from the record, and measurements from the store. So a finished
    search continues if ``search.samples`` is increased. Source:
    docs/explanation/architecture.md, ideas 6 and 8.

    Args:
        space: with ``design: search``.
        planner: plans its configurations.
        folder: the study's.
        endings: which tunings were stopped early in this launch.

    Raises:
        SD4MatchError: no data set to choose by, or a sampler that cannot be made.
    """

    def __init__(
        self, space: Space, planner: Planner, folder: StudyFolder, endings: Endings
    ) -> None:
        if space.metric is None:
            raise SD4MatchError("design search: no data set of data.evaluate has a val split")
        self._space = space
        self._planner = planner
        self._folder = folder
        self._endings = endings
        self._objectives = Objectives.of(space)
        self._datasets = self._objectives.datasets(space.file.data.evaluate)
        search = space.file.search
        self._left = math.inf if search.sampler == search_settings.GRID else search.samples
        self._proposals = Proposals(
            search_settings.paid_axes(space),
            samplers.create(search),
            prompt=space.baseline["prompt"],
            directions=list(self._objectives.directions.values()),
            given=search_settings.points(space),
            possible=lambda point: space.possible(point) is not None,
        )

    def plans(self) -> Iterator[Plan]:
        """The plans of the search, each to be computed before the next is made.

        Yields:
            One plan for each generation, on val; at the end one for what is chosen and the
            baseline, on all splits.
        """
        name = self._name()  # plans the baseline: a mistake leaves no record behind
        file = self._space.file.search.storage or str(self._folder.path / JOURNAL)
        record = Record(file, name, self._objectives.directions)
        rows: list[Row] = []
        warm = self._warm_points(record)
        if warm:
            plan = Plan()
            for _, point, _ in warm:
                plan.update(self._plan(self._grid(point)))
            yield plan
            rows += self._know(record, plan, warm)
        while generation := self._ask(record):
            plan = Plan()
            for trial in generation:
                plan.update(self._plan(trial.grid, trial.stopped))
            yield plan
            rows += self._tell(record, plan, generation)
        record.close()
        yield self._final(record, rows)

    def _ask(self, record: Record) -> list[Trial]:
        """The next generation; new proposals are in the record as running."""
        generation: list[Trial] = []
        while len(generation) < self._space.file.search.generation and self._left > 0:
            proposal = self._proposals.ask()
            if proposal is None:
                break
            self._left -= 1
            parameters = self._proposals.parameters(proposal.point)
            distributions = self._proposals.distributions(proposal.point)
            record.propose(proposal.number, parameters, distributions, proposal.point)
            generation.append(
                Trial(proposal, self._grid(proposal.point), record.stopped(parameters))
            )
        return generation

    def _tell(self, record: Record, plan: Plan, generation: list[Trial]) -> list[Row]:
        """Report a generation to sampler and record, in order; returns the measured rows."""
        rows = self._rows(plan)
        for trial in generation:
            number = trial.proposal.number
            result = record.result(number)
            if result is None:
                result, notes = self._judge(trial, rows)
                record.tell(number, result, notes)
            self._proposals.tell(trial.proposal, result)
        return list(rows.values())

    def _judge(
        self, trial: Trial, rows: Mapping[Configuration, Row]
    ) -> tuple[TrialResult, Mapping[str, Any]]:
        """The result of a trial, and notes for people: the best of its grid, or the reason.

        With several objectives the result has the whole front of the grid: the sampler would
        otherwise not know what the other settings of the same pass are worth.
        """
        tunes = {cell.tune.key for cell in self._plan(trial.grid).cells if cell.tune}
        stopped = [self._endings.stopped[key] for key in tunes if key in self._endings.stopped]
        if trial.stopped or stopped:
            return TrialResult(TrialState.PRUNED), {STOPPED: trial.stopped or min(stopped)}
        best, result = self._best(trial.grid, rows)
        if best is None:
            return result, {}
        free = {name: best.configuration[name] for name in self._space.free}
        return result, {**free, "configuration": best.configuration.key}

    def _best(
        self, grid: tuple[Configuration, ...], rows: Mapping[Configuration, Row]
    ) -> tuple[Row | None, TrialResult]:
        measured = [rows[setting] for setting in grid if setting in rows]
        best = self._objectives.best(measured)
        if best is None:
            return None, TrialResult(TrialState.FAIL)
        front = self._objectives.pareto(measured) if self._several else []
        others = tuple(row.values for row in front if row.values != best.values)
        return best, TrialResult(TrialState.COMPLETE, best.values, others)

    @property
    def _several(self) -> bool:
        return len(self._objectives.names) > 1

    def _final(self, record: Record, rows: list[Row]) -> Plan:
        """The chosen settings and the baseline, on val and test."""
        settings = list({row.configuration: row for row in rows}.values())
        best = self._objectives.best(settings)
        chosen = self._objectives.pareto(settings) if self._several else [best] if best else []
        written = str(self._space.written["search"]["storage"])
        place = portable(record.storage, self._folder.path)
        outside = place == record.storage  # a database, or a file out of the folder of results
        facts: dict[str, Any] = {
            "storage": written if "${oc.env:" in written else place,
            **({"trials": kept(record.trials)} if outside else {}),
            "optuna_study": record.name,
            "objectives": self._objectives.directions,
            "chosen": {row.configuration.key: list(row.values) for row in chosen},
        }
        if self._several:
            fronts = [
                result.front if result else ()
                for result in map(record.result, range(len(record.trials)))
            ]
            facts["hypervolume"] = hypervolumes(fronts, self._objectives.directions)
        self._folder.write_search(facts)
        tested = dict.fromkeys(row.configuration for row in (*chosen, *([best] if best else [])))
        plan = self._planner.plan(self._seeded([*tested, self._space.baseline]))
        self._endings.spare(plan.tunes)
        return plan

    def _warm_points(self, record: Record) -> list[tuple[str, Point, TrialResult | None]]:
        """Study, point and recorded result of earlier studies' points; equal in every launch."""
        if record.trials:
            return [
                (str(trial.user_attrs[WARM]), self._proposals.point(trial.params), result)
                for trial in record.trials
                if WARM in trial.user_attrs and (result := record.result(trial.number))
            ]
        return [
            (name, point, None)
            for name, point in known_points(self._space, self._proposals)
            if self._recorded(self._plan(self._grid(point)))
        ]

    def _know(
        self, record: Record, plan: Plan, warm: list[tuple[str, Point, TrialResult | None]]
    ) -> list[Row]:
        rows = self._rows(plan)
        for name, point, recorded in warm:
            result = recorded or self._best(self._grid(point), rows)[1]
            if result.front:
                trial = self._proposals.know(point, result)
                if recorded is None:
                    record.know(trial, name, result)
        return list(rows.values())

    def _rows(self, plan: Plan) -> dict[Configuration, Row]:
        store, rule = self._folder.store, self._space.rule
        patiently(store.pull_plan)(plan)
        rows = self._objectives.rows(plan, store, rule)
        return {row.configuration: row for row in rows}

    def _recorded(self, plan: Plan) -> bool:
        """Whether the store holds all predictions of a plan."""
        store = self._folder.store
        return bool(plan.predicts) and all(
            plan.settings[key].keys() <= store.recorded(key).keys() for key in plan.predicts
        )

    def _plan(self, grid: tuple[Configuration, ...], stopped: str | None = None) -> Plan:
        """The plan of a free grid on val; nothing is computed of a stopped prompt."""
        plan = self._planner.plan(self._seeded(grid), splits=("val",), only=self._datasets)
        if stopped is None:
            return plan
        known = Plan()
        for cell in plan.cells:
            known.add(replace(cell, missing=stopped))
        return known

    def _seeded(self, settings: Iterable[Configuration]) -> Iterator[Configuration]:
        """Every setting with every seed: a seed is no axis, and a trial is the mean over seeds."""
        return (setting.with_seed(seed) for setting in settings for seed in self._space.seeds)

    def _grid(self, point: Point) -> tuple[Configuration, ...]:
        free = self._space.free
        found = (
            self._space.possible({**point, **dict(zip(free, values, strict=True))})
            for values in itertools.product(*free.values())
        )
        return tuple(dict.fromkeys(filter(None, found)))

    def _name(self) -> str:
        """Name of the Optuna study: another question, data, weights or Optuna make another one."""
        space = self._space
        # The axes that decide which weights are used: some prompts read an image encoder.
        decide = ("backbone", "prompt", "source", "fusion", "train.fusion")
        varied = [name for name in decide if name in space.axes]
        moves = itertools.product(*(space.axes[name] for name in varied))
        moved = (space.possible(dict(zip(varied, values, strict=True))) for values in moves)
        probes = (space.baseline, *filter(None, moved))
        search = {k: v for k, v in asdict(space.file.search).items() if k not in NOT_ASKED}
        asked = {
            **search,
            "metric": self._objectives.metric,
            "axes": {name: list(values) for name, values in space.axes.items()},
            "tied": list(space.tied),
            "protocol": space.file.protocol,
            "optuna": optuna.__version__,
            "stages": list(self._plan(probes).predicts),
            **({"result": "front"} if self._several else {}),
        }
        return f"{space.name}-{key_of(asked)[:8]}"
