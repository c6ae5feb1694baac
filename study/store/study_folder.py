"""A study's folder in ``results/``: its space, plan, search, failures, logs and provenance."""

import json
import platform
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sd4match.errors import SD4MatchError, require_known
from sd4match.files.atomic import atomic_path
from sd4match.files.masking import masked_values
from sd4match.pck.protocols import PROTOCOLS
from study.plan.plan import Plan
from study.space.space import Space
from study.store.mirror import Mirror, local
from study.store.store import Store
from study.store.study_lookup import existing

if TYPE_CHECKING:
    import pandas as pd

PACKAGES = ("sd4match-study", "torch", "diffusers", "transformers", "ray", "optuna", "numpy")

MOST_ROWS = 100_000_000
"""Rows of a plan, which has one for each configuration, data set and split."""
MOST_BYTES = 2**30
"""Size of a file of JSON; the record of 100,000 stages takes 30 MB."""
FACTS = {"name": str, "baseline": str, "alphas": list, "protocol": str, "fidelity": str}
"""What ``study.json`` must contain, whichever version wrote it."""


@dataclass(frozen=True)
class StudyFolder:
    """Paths and files of one study.

    Attributes:
        path: ``<results>/<study name>``, or the folder that mirrors it if results are behind a URL
            (`study.store.mirror`); the store is its sibling ``store``.
    """

    path: Path

    @classmethod
    def of(cls, space: Space) -> "StudyFolder":
        """The folder of a search space's study; nothing is made.

        Args:
            space: a checked search space.

        Raises:
            SD4MatchError: ``results`` is not a valid folder or URL, or the store has the name.
        """
        if space.name == "store":
            raise SD4MatchError("name: 'store' is taken by the results store: choose another")
        place = space.file.results
        try:
            results = local(place)
            if results.exists() and not results.is_dir():
                raise ValueError("it is a file")
        except (OSError, RuntimeError, ValueError) as error:  # too long, a loop of links, NUL
            reason = getattr(error, "strerror", None) or error
            message = f"results: {place!r} is not a valid folder or URL ({reason})"
            raise SD4MatchError(message) from None
        return cls(results / space.name)

    @classmethod
    def open(cls, path: str | Path) -> "StudyFolder":
        """An existing study's folder.

        Raises:
            SD4MatchError: there is no study there; lists those beside it.
        """
        return cls(existing(path))

    @staticmethod
    def store_of(space: Space) -> Store:
        """The store of a space's studies; nothing is made."""
        return StudyFolder.of(space).store

    @cached_property
    def mirror(self) -> Mirror:
        """Transfers this folder if results are behind a URL."""
        return Mirror(self.path)

    @property
    def place(self) -> str:
        """The study's path or URL, for people."""
        return self.mirror.url or str(self.path)

    def send(self, files: Iterable[Path]) -> None:
        """Upload new files.

        Args:
            files: those outside this folder are left out.
        """
        self.mirror.send(file for file in files if file.is_relative_to(self.path))

    @cached_property
    def store(self) -> Store:
        """The store that this study shares with its siblings."""
        return Store(self.path.parent / "store", self.path)

    @cached_property
    def facts(self) -> dict[str, Any]:
        """The content of ``study.json``.

        Raises:
            SD4MatchError: it cannot be read, or lacks something.
        """
        facts = self._read_json("study.json")
        for name, kind in FACTS.items():
            if not isinstance(facts.get(name), kind):
                raise self._damaged("study.json", f"no {name}")
        alphas = facts["alphas"]
        if not alphas or not all(isinstance(alpha, float) and alpha > 0 for alpha in alphas):
            raise self._damaged("study.json", "alphas")
        require_known(facts["protocol"], PROTOCOLS, what="protocol", where=str(self.path))
        return facts

    def write_space(self, space: Space) -> None:
        """Record the search space and the versions of packages; makes the folder.

        Args:
            space: what is measured.
        """
        self._write("study.yaml", space.to_yaml())
        self._write_json(
            "study.json",
            {
                "name": space.name,
                "design": space.file.design,
                "baseline": space.baseline.key,
                "axes": list(space.axes),
                "alphas": space.file.alphas,
                "margin": space.file.margin,
                "protocol": space.file.protocol,
                "fidelity": space.fidelity,
                "metric": space.metric,
                "versions": {package: version(package) for package in PACKAGES},
                "machine": f"{platform.machine()} {platform.system()}",
            },
        )

    def holds_another(self, space: Space) -> bool:
        """Whether an earlier launch of this name had another search space.

        Args:
            space: of this launch.
        """
        file = self.path / "study.yaml"
        return file.is_file() and file.read_bytes() != space.to_yaml().encode()

    def write_plan(self, plan: Plan) -> None:
        """Record which stage answers which configuration on which split.

        Args:
            plan: of the whole study.
        """
        import pyarrow.parquet as pq

        from study.plan import index

        with atomic_path(self.path / "cells.parquet") as temporary:
            pq.write_table(index.table(plan), temporary, write_page_checksum=True)

    def read_plan(self) -> "pd.DataFrame":
        """Read what `write_plan` wrote, and bring the records that it names to this machine.

        Returns:
            See `study.plan.index.table`.

        Raises:
            SD4MatchError: the study was never launched, the file is damaged, or the store is
                behind a URL and cannot be reached.
        """
        import pyarrow as pa
        import pyarrow.parquet as pq

        from study.plan import index as plan_index

        file = self.path / "cells.parquet"
        try:
            opened = pq.ParquetFile(file, page_checksum_verification=True)
            if (
                opened.metadata.num_rows > MOST_ROWS
            ):  # a few bytes can stand for as many as they like
                raise pa.ArrowException(f"{opened.metadata.num_rows:,} rows")
            index = plan_index.frame(opened.read())
        except (OSError, pa.ArrowException, KeyError) as error:
            raise self._damaged("cells.parquet", error) from None
        if self.mirror.url:
            tunes, predicts, data = (set(index[n].dropna()) for n in ("tune", "predict", "data"))
            self.store.pull(tunes=tunes, predicts=predicts, data=data)
        return index

    def write_search(self, found: Mapping[str, Any]) -> None:
        """Record where a search's Optuna study is, its objectives and its choice.

        Args:
            found: JSON values.
        """
        self._write_json("search.json", masked_values(found))

    def read_search(self) -> dict[str, Any] | None:
        """What `write_search` wrote; None for a fixed design, or before the search ended."""
        if not (self.path / "search.json").exists():
            return None
        return self._read_json("search.json")

    def write_failures(self, failures: Mapping[str, str]) -> None:
        """Record failures; replaces earlier ones.

        Args:
            failures: key of each failed work item -> the reason.
        """
        self._write_json("failures.json", masked_values(failures))

    def read_failures(self) -> dict[str, str]:
        """What `write_failures` wrote; empty before the end of the first launch."""
        if not (self.path / "failures.json").exists():
            return {}
        failures = self._read_json("failures.json")
        if not all(isinstance(reason, str) and reason.strip() for reason in failures.values()):
            raise self._damaged("failures.json", "a failure without a reason")
        return failures

    def log(self, key: str) -> Path:
        """The log of a work item, which `study.engine.listener` writes.

        Args:
            key: of the item.
        """
        return self.path / "logs" / f"{key}.log"

    def write_provenance(self, facts: Mapping[str, Any]) -> None:
        """Record the provenance of results: see `study.launch.provenance`.

        Args:
            facts: JSON values.
        """
        self._write_json("provenance.json", facts)

    def write_diff(self, name: str, diff: str) -> None:
        """Record the difference of the code from its revision.

        Args:
            name: of the file.
            diff: its content.
        """
        self._write(name, diff)

    def read_provenance(self) -> dict[str, Any] | None:
        """What `write_provenance` wrote; None before the first launch.

        Raises:
            SD4MatchError: the file is damaged.
        """
        file = self.path / "provenance.json"
        if not file.exists():
            return None
        try:
            return self._read_json(file.name)
        except SD4MatchError:  # a launch cannot repair it: launches only add to it
            raise SD4MatchError(
                f"{file} is damaged: remove it, and the next launch starts a new one"
            ) from None

    @property
    def tensorboard(self) -> Path:
        """Folder of the curves of this study's tunings, for TensorBoard."""
        return self.path / "tensorboard"

    def _write(self, name: str, text: str) -> None:
        with atomic_path(self.path / name) as temporary:
            temporary.write_text(text, encoding="utf-8")

    def _write_json(self, name: str, content: Mapping[str, Any]) -> None:
        self._write(name, json.dumps(content, indent=2) + "\n")

    def _read_json(self, name: str) -> dict[str, Any]:
        file = self.path / name
        try:
            if (size := file.stat().st_size) > MOST_BYTES:
                raise ValueError(f"{size:,} B")
            content: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError) as error:
            raise self._damaged(name, error) from None
        if not isinstance(content, dict):
            raise self._damaged(name, "no table")
        return content

    def _damaged(self, name: str, reason: object) -> SD4MatchError:
        return SD4MatchError(f"{self.path / name}: cannot be read ({reason}): launch the study")
