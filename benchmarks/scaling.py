"""Parallel efficiency of the engine on up to 64 slots, with trials that only wait.

The slots are of virtual nodes of a `ray.cluster_utils.Cluster` on this machine. Time counts from
the moment at which all workers are there; efficiency is the time that the trials wait in all, over
slots times the time until the last of them is done.

    python -m benchmarks scaling            # 1, 4, 16, 64 slots, trials of 8 s
    python -m benchmarks scaling 4 16
"""

import os
import sys

import ray
from ray.cluster_utils import Cluster

from benchmarks.made_up import run
from study.engine import cluster as ours

SECONDS = 8.0  # a trial; a real one takes minutes
ROUNDS = 3  # trials per slot
NODE = 16  # slots of a node, at most


def efficiency(slots: int) -> float:
    """Measure on a cluster of so many slots."""
    nodes = -(-slots // NODE)
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0})
    for _ in range(nodes):
        cluster.add_node(num_cpus=slots // nodes)
    ray.init(address=cluster.address, log_to_driver=False, logging_level="CRITICAL")
    try:
        begun, *ends = run([SECONDS] * slots * ROUNDS, {"CPU": 1}, workers=slots)
    finally:
        ray.shutdown()
        cluster.shutdown()
    return ROUNDS * SECONDS / (ends[-1] - begun)


def main(numbers: list[int]) -> None:
    """Measure and print."""
    os.environ.update(ours.SETTINGS)
    for slots in numbers:
        print(
            f"{slots:3} slots on {-(-slots // NODE)} nodes: "
            f"parallel efficiency {100 * efficiency(slots):.1f} %",
            flush=True,
        )


if __name__ == "__main__":
    main([int(number) for number in sys.argv[1:]] or [1, 4, 16, 64])
