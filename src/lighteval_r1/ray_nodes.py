"""`python -m lighteval_r1.ray_nodes N`: waits until N nodes have joined the ray cluster at RAY_ADDRESS; exit code 1 if
they do not."""

import sys
import time

LIMIT_S = 300.0


def wait_for(n_nodes: int, *, limit_s: float = LIMIT_S) -> int:
    """How many nodes have joined when all have or the time is over."""
    import ray

    until = time.monotonic() + limit_s
    joined = 0
    while time.monotonic() < until:
        try:
            if not ray.is_initialized():
                ray.init(address="auto", log_to_driver=False, logging_level="error")
            joined = sum(node["Alive"] for node in ray.nodes())
        except ConnectionError:
            joined = 0
        if joined >= n_nodes:
            break
        time.sleep(1)
    return joined


if __name__ == "__main__":
    asked = int(sys.argv[1])
    there = wait_for(asked)
    if there < asked:
        sys.exit(f"lighteval-r1: {there} of {asked} nodes joined the ray cluster within {LIMIT_S:.0f} s.")
