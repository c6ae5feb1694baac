"""Killed workers, lost nodes and killed drivers: a study ends with the same bytes.

A fixed design with learned prompts runs on three nodes of a `ray.cluster_utils.Cluster`. At seeded
random moments a worker, a node and the driver are killed, each while it works: by SIGKILL, a node
perhaps by SIGTERM, as one that is preempted. A new node takes its place, and the study is launched
again. All that is left in the results folder, but logs, times and provenance, is compared byte by
byte with a run that nothing disturbed on the same cluster, and with one on one node: prompts,
curves, predictions, scores, latents, tables, figures.

    python -m benchmarks chaos        # seeds 0 to 9
    python -m benchmarks chaos 3 7    # these
"""

import contextlib
import hashlib
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
from ray._private.node import Node
from ray.cluster_utils import Cluster

from sd4match.testbed.shapes import generate

SPACE = """\
baseline: {backbone: nano, prompt: single, length: 4, image_size: 64, ensemble: 1, kernel: 3}
axes: {prompt: [empty, single], length: [2, 4], timestep: [50, 261], layer: [0, 1]}
data: {root: data, pairs: 6, evaluate: [pf_pascal, pf_willow]}
recipe: {steps: 16}
resources: {cpus_per_trial: 1}
"""
NODES = 3
KILLS = ("worker", "node", "driver")
LIMIT = 300.0  # seconds for a launch
BUSY = "ray::ResourceTrainable.train"
OF_A_RUN = (
    "store/speed/", "small/logs/", "small/tensorboard/", "small/provenance", "small/study.yaml",
)  # fmt: skip
"""Files about the run itself: when, how fast, where."""


class Bench:
    """A cluster, and studies launched on it in processes of their own.

    Args:
        folder: where studies are launched; gets a results folder per run, and Ray's files.
        space: the search space.
        stages: how many files of stages a whole run leaves, if that is known already.
    """

    def __init__(self, folder: Path, space: Path, stages: int = 0) -> None:
        self.folder = folder
        self.space = space
        self.stages = stages
        self._before = set(psutil.Process().children(recursive=True))  # a test's, say
        self._seen: set[psutil.Process] = set()
        # Ray's sockets live below it, and their paths must be short.
        self._temporary = Path(tempfile.mkdtemp(prefix="chaos-"))
        head = {"num_cpus": 0, "temp_dir": str(self._temporary)}
        self.cluster = Cluster(initialize_head=True, head_node_args=head)
        for _ in range(NODES):
            self.cluster.add_node(num_cpus=1)

    def close(self) -> None:
        """Stop the cluster; nothing of it is left, nor of the launches.

        Raises:
            SystemExit: some processes do not end.
        """
        self._seen.update(psutil.Process().children(recursive=True))
        self.cluster.shutdown()
        _, left = psutil.wait_procs(list(self._seen - self._before), timeout=30)
        shutil.rmtree(self._temporary)
        if left:
            raise SystemExit(f"processes that do not end: {left}")

    def launch(self, name: str, address: str) -> subprocess.Popen[str]:
        """Launch the study into results of its own."""
        command = [
            sys.executable, "-c", "from study.cli import main; main()", "launch", str(self.space),
            "name=small", f"results={self.folder / name}", f"cluster.address={address}",
        ]  # fmt: skip
        return subprocess.Popen(
            command,
            cwd=self.folder,
            env=os.environ | {"OMP_NUM_THREADS": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def undisturbed(self, name: str, address: str) -> dict[str, str]:
        """The hashes of a run to the end."""
        process = self.launch(name, address)
        said, _ = process.communicate(timeout=LIMIT)
        if process.returncode:
            raise SystemExit(f"the undisturbed run failed:\n{said}")
        self.stages = len(stages(self.folder / name))
        return hashes(self.folder / name)

    def disturbed(self, name: str, seed: int) -> tuple[dict[str, str], int, list[str]]:
        """The hashes of a run with three killings, the launches it took, and what was killed.

        A moment is so many stages done, and then a while, but in time to leave work to be done.
        """
        dice, killed, launches = random.Random(seed), [], 0
        results, last = self.folder / name, self.stages - 2 * NODES
        moments = sorted((dice.randrange(last), dice.uniform(0, 3)) for _ in KILLS)
        left = list(zip(dice.sample(KILLS, len(KILLS)), moments, strict=True))
        while True:
            launches += 1
            process = self.launch(name, self.cluster.address)
            while left and process.poll() is None:
                what, (done, wait) = left[0]
                while len(stages(results)) < done and process.poll() is None:
                    time.sleep(0.02)
                end = time.monotonic() + wait
                while len(stages(results)) < last and time.monotonic() < end:
                    time.sleep(0.02)
                time.sleep(0.02)
                if struck := self._kill(what, process, dice):
                    killed.append(f"{struck} after {len(stages(results))} of {self.stages} stages")
                    left.pop(0)
            said, _ = process.communicate(timeout=LIMIT)
            if process.returncode == 0 or launches > len(KILLS):
                break
        if process.returncode:
            print(said)
        return hashes(results), launches, killed

    def _kill(self, what: str, driver: subprocess.Popen[str], dice: random.Random) -> str:
        """Kill one of these that works; empty when nothing does at the moment."""
        nodes = sorted(self.cluster.worker_nodes, key=lambda node: node.node_id)
        working = {node: busy for node in nodes if (busy := _busy(node))}
        if not working or driver.poll() is not None:
            return ""
        node = dice.choice(list(working))
        if what == "driver":
            driver.kill()
        elif what == "node":
            self._seen.update(_below(node))
            how = dice.choice(("SIGKILL", "SIGTERM"))
            self.cluster.remove_node(node, allow_graceful=how == "SIGTERM")
            what = f"node by {how}"
            self.cluster.add_node(num_cpus=1)
        else:
            working[node][0].kill()
        return f"{what} ({len(working)} of {NODES} workers at work)"


def _below(node: Node) -> list[psutil.Process]:
    """Processes that the raylet of a node started."""
    return psutil.Process(node.all_processes["raylet"][0].process.pid).children(recursive=True)


def _busy(node: Node) -> list[psutil.Process]:
    """Workers of a node that do a work item at this moment."""
    found = []
    for process in _below(node):
        with contextlib.suppress(psutil.Error):  # it has just ended
            if " ".join(process.cmdline()).startswith(BUSY):
                found.append(process)
    return found


def stages(results: Path) -> list[Path]:
    """Files that say that a stage is done."""
    store = results / "store"
    return [
        *store.glob("latents/*.json"),
        *store.glob("tune/*/prompt.safetensors"),
        *store.glob("predict/*/*.parquet"),
    ]


def hashes(results: Path) -> dict[str, str]:
    """SHA-256 of every file except those about the run itself.

    Hidden files are left out too: a killed writer leaves the file that it had begun.
    """
    return {
        name: hashlib.sha256(file.read_bytes()).hexdigest()
        for file in results.rglob("[!.]*")
        if file.is_file() and not (name := str(file.relative_to(results))).startswith(OF_A_RUN)
    }


def reported(results: Path) -> list[str]:
    """What the launches reported about retries and lost nodes, from the study's logs."""
    lines = [line for log in results.glob("small/logs/*.log") for line in log.open()]
    return [line.strip() for line in sorted(lines) if line[20:].startswith(("retry ", "lost "))]


def main(seeds: list[int]) -> bool:
    """Run all seeds and print what happened; whether all ended with the undisturbed bytes."""
    with tempfile.TemporaryDirectory(prefix="chaos-") as temporary:
        folder = Path(temporary)
        generate(folder / "data", scale=0.1)
        (folder / "space.yaml").write_text(SPACE)
        bench = Bench(folder, folder / "space.yaml")
        try:
            wanted = bench.undisturbed("undisturbed", bench.cluster.address)
            alone = bench.undisturbed("alone", "local")
            print(f"{len(wanted)} files; on one node the same bytes: {alone == wanted}", flush=True)
            good = 0
            for seed in seeds:
                started = time.monotonic()
                found, launches, killed = bench.disturbed(f"seed{seed}", seed)
                good += found == wanted and len(killed) == len(KILLS)
                said = [
                    f"seed {seed}: {'same bytes' if found == wanted else 'OTHER BYTES'} after "
                    f"{launches} launches, {time.monotonic() - started:.0f} s",
                    *(f"killed: {what}" for what in killed),
                    *(f"reported: {line}" for line in reported(folder / f"seed{seed}")),
                    *(f"other: {name}" for name in sorted(dict(found.items() ^ wanted.items()))),
                ]
                print("\n  ".join(said), flush=True)
        finally:
            bench.close()
    print(f"{good} of {len(seeds)} struck three times, and ended with the undisturbed bytes")
    return good == len(seeds) and alone == wanted


if __name__ == "__main__":
    sys.exit(not main([int(seed) for seed in sys.argv[1:]] or list(range(10))))
