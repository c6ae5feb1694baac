"""A bad week on a cluster: killed workers, lost nodes and killed drivers change no byte.

A fixed design with learned prompts runs on three nodes of a `ray.cluster_utils.Cluster`. At seeded
random moments a worker, a node and the driver are killed (SIGKILL); a new node takes the place of
the lost one, and the study is launched again. Predictions, prompts, scores and tables are compared,
byte by byte, with a run that nothing disturbed on the same cluster, and with one on one node.

    python benchmarks/chaos.py            # 10 seeds
    python benchmarks/chaos.py 3          # seeds 0 to 2
    python benchmarks/chaos.py --seed 7   # this one
"""

import argparse
import hashlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
from ray.cluster_utils import Cluster

from sd4match.datasets.shapes import generate

SPACE = """\
baseline: {backbone: nano, prompt: single, length: 4, image_size: 64, ensemble: 1, kernel: 3}
axes: {prompt: [empty, single], length: [2, 4], timestep: [50, 261], layer: [0, 1]}
data: {root: data, pairs: 6, evaluate: [pf_pascal, pf_willow]}
recipe: {steps: 16}
resources: {cpus_per_trial: 1}
"""
NODES = 3
KILLS = ("worker", "node", "driver")
LIMIT = 240.0  # seconds for a launch
WORKER = "ray::ResourceTrainable"


class Bench:
    """A cluster, and studies launched on it in processes of their own.

    Args:
        folder: where studies are launched; gets a results folder a run.
        space: the search space.
        spread: seconds from a launch's first work item within which its killings fall.
    """

    def __init__(self, folder: Path, space: Path, spread: float = 12.0) -> None:
        self.folder = folder
        self.space = space
        self.spread = spread
        self.cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0})
        for _ in range(NODES):
            self.cluster.add_node(num_cpus=1)

    def close(self) -> None:
        """Stop the cluster."""
        self.cluster.shutdown()

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
        return hashes(self.folder / name)

    def disturbed(self, name: str, seed: int) -> tuple[dict[str, str], int, list[str]]:
        """The hashes of a run with three killings, the launches it took, and what was killed."""
        dice, killed, launches = random.Random(seed), [], 0
        left = dice.sample(KILLS, len(KILLS))
        while True:
            launches += 1
            process = self.launch(name, self.cluster.address)
            started = self._work_starts(process)
            while left and process.poll() is None:
                moment = started + dice.uniform(0, self.spread)
                while process.poll() is None and time.monotonic() < moment:
                    time.sleep(0.02)
                if process.poll() is None and self._kill(left[0], process, dice):
                    killed.append(f"{left.pop(0)} at {time.monotonic() - started:.1f} s")
            said, _ = process.communicate(timeout=LIMIT)
            if process.returncode == 0 or launches > 4:
                break
        if process.returncode:
            print(said)
        return hashes(self.folder / name), launches, killed

    def _work_starts(self, process: subprocess.Popen[str]) -> float:
        end = time.monotonic() + LIMIT
        while process.poll() is None and time.monotonic() < end and not self._workers():
            time.sleep(0.02)
        return time.monotonic()

    def _workers(self) -> list[psutil.Process]:
        """Workers of our nodes that do a work item."""
        found = []
        for node in self.cluster.worker_nodes:
            raylet = node.all_processes["raylet"][0].process
            for child in psutil.Process(raylet.pid).children(recursive=True):
                try:
                    if " ".join(child.cmdline()).startswith(WORKER):
                        found.append(child)
                except psutil.Error:
                    continue  # it has just ended
        return sorted(found, key=lambda worker: worker.pid)

    def _kill(self, what: str, driver: subprocess.Popen[str], dice: random.Random) -> bool:
        """Kill one of these; False when there is none at the moment."""
        if what == "driver":
            driver.send_signal(signal.SIGKILL)
        elif what == "node":
            self.cluster.remove_node(
                dice.choice(sorted(self.cluster.worker_nodes, key=lambda node: node.node_id)),
                allow_graceful=False,
            )
            self.cluster.add_node(num_cpus=1)
        else:
            workers = self._workers()
            if not workers:
                return False
            dice.choice(workers).kill()
        return True


def hashes(results: Path) -> dict[str, str]:
    """SHA-256 of every file whose bytes must not depend on how the study was run."""
    kept = ("store/predict", "store/score", "store/truth", "small/tables")
    files = [file for part in kept for file in (results / part).rglob("*") if file.is_file()]
    files += (results / "store" / "tune").glob("*/prompt.safetensors")
    return {
        str(file.relative_to(results)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in files
    }


def run(seeds: list[int]) -> bool:
    """Run all seeds and print a line each; whether all ended with the undisturbed bytes."""
    with tempfile.TemporaryDirectory(prefix="chaos-") as temporary:
        folder = Path(temporary)
        generate(folder / "data", scale=0.1)
        (folder / "space.yaml").write_text(SPACE)
        bench = Bench(folder, folder / "space.yaml")
        try:
            wanted = bench.undisturbed("undisturbed", bench.cluster.address)
            alone = bench.undisturbed("alone", "local")
            print(f"{len(wanted)} files; on one node the same bytes: {alone == wanted}", flush=True)
            same = 0
            for seed in seeds:
                started = time.monotonic()
                found, launches, killed = bench.disturbed(f"seed{seed}", seed)
                same += found == wanted
                print(
                    f"seed {seed}: {'same bytes' if found == wanted else 'OTHER BYTES'} after "
                    f"{launches} launches, {time.monotonic() - started:.0f} s; killed: "
                    + ", ".join(killed),
                    flush=True,
                )
        finally:
            bench.close()
    print(f"{same} of {len(seeds)} finished with the bytes of the undisturbed run")
    return same == len(seeds) and alone == wanted


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="kill workers, nodes and drivers of a study")
    parser.add_argument("seeds", type=int, nargs="?", default=10)
    parser.add_argument("--seed", type=int)
    given = parser.parse_args()
    sys.exit(not run(list(range(given.seeds)) if given.seed is None else [given.seed]))
