"""Two Ray nodes on this machine, one processor each: `python -m tests.cluster.on_ray.nodes FOLDER`."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from ray.cluster_utils import Cluster


def main(folder: str) -> None:
    """Start them, print the address, and stop them when whoever started this is through or gone."""
    # Where Ray notes the address of the last cluster: it makes no folder for that, and a user's note must stay.
    os.environ["RAY_TMPDIR"] = folder
    Path(folder, "ray").mkdir()
    node = {"num_cpus": 1, "object_store_memory": 80 * 2**20, "include_dashboard": False}
    cluster = Cluster(initialize_head=True, head_node_args={**node, "temp_dir": f"{folder}/ray"})
    try:
        cluster.add_node(num_cpus=1, object_store_memory=80 * 2**20)
        cluster.wait_for_nodes()
        print(cluster.address, flush=True)
        sys.stdin.read()
    finally:
        cluster.shutdown()


if __name__ == "__main__":
    main(sys.argv[1])
