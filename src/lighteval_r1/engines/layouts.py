"""How replicas of a model lie on a machine, and what each sees of it."""

import os
from collections.abc import Mapping
from dataclasses import dataclass

from lighteval_r1.engines.machine import device, memory_gib, n_gpus
from lighteval_r1.outside import variables
from lighteval_r1.records import UserError


@dataclass(frozen=True)
class Layout:
    """tensor GPUs (or cores, without GPUs) x pipeline nodes make a replica; replicas of them run side by side."""

    device: str
    replicas: int = 1
    tensor: int = 1
    pipeline: int = 1

    @property
    def gpus_each(self) -> int:
        return self.tensor * self.pipeline

    @property
    def parameters(self) -> dict[str, int]:
        """As LightEval's model parameters say it."""
        return {
            "tensor_parallel_size": self.tensor,
            "data_parallel_size": self.replicas,
            "pipeline_parallel_size": self.pipeline,
        }

    def check(self) -> None:
        """UserError where it asks for more GPUs than there are (cores, without GPUs)."""
        if self.device == "gpu":
            there, what = n_gpus() * variables.NODES.value(), "GPUs"
        else:
            there, what = len(os.sched_getaffinity(0)), "CPU cores (there is no GPU)"
        asked = self.replicas * self.gpus_each
        if asked > there:
            raise UserError(
                f"data_parallel_size={self.replicas} x {self.gpus_each} per replica asks for {asked} devices; "
                f"there are {there} {what}."
            )

    def environment(self, replica: int) -> dict[str, str]:
        """What a replica's process sees of the machine: its GPUs, or its share of cores and memory."""
        environment = dict(os.environ)
        environment.setdefault("VLLM_LOGGING_LEVEL", "ERROR")
        environment["VLLM_NO_USAGE_STATS"] = "1"
        if self.device == "gpu" and "RAY_ADDRESS" in environment:
            # one replica over several nodes: Ray hands out their GPUs
            return environment
        if self.device == "gpu":
            visible = os.environ.get("CUDA_VISIBLE_DEVICES", "")
            gpus = visible.split(",") if visible else [str(i) for i in range(self.replicas * self.gpus_each)]
            environment["CUDA_VISIBLE_DEVICES"] = ",".join(gpus[replica * self.gpus_each :][: self.gpus_each])
            return environment
        environment.setdefault("VLLM_TARGET_DEVICE", "cpu")
        # vLLM's own default is half of the memory; a laptop also holds the weights and an editor.
        environment.setdefault("VLLM_CPU_KVCACHE_SPACE", str(max(1, memory_gib() // (4 * self.replicas))))
        if "VLLM_CPU_OMP_THREADS_BIND" not in environment and "OMP_NUM_THREADS" not in environment:
            shares = self.shares_of_cores()[replica]
            places = ",".join(str(core) for share in shares for core in share)
            environment["VLLM_CPU_OMP_THREADS_BIND"] = "|".join(",".join(map(str, share)) for share in shares)
            # The worker is forked from a process whose OpenMP is loaded, so that its threads are set and bound here.
            environment["OMP_NUM_THREADS"] = str(len(shares[0]))
            environment["OMP_PLACES"] = f"{{{places}}}"
            environment["OMP_PROC_BIND"] = "true"
        return environment

    def shares_of_cores(self) -> list[list[list[int]]]:
        """[replica][worker] cores, disjoint where there are enough; one core is left to everything else."""
        workers = self.replicas * self.gpus_each
        cores = sorted(os.sched_getaffinity(0))
        if len(cores) > workers:
            cores = cores[:-1]
        n = max(1, len(cores) // workers)
        shares = [[cores[(i * n + j) % len(cores)] for j in range(n)] for i in range(workers)]
        return [shares[r * self.gpus_each :][: self.gpus_each] for r in range(self.replicas)]


def layout_of(parameters: Mapping) -> Layout:
    """The layout that LightEval's model parameters ask for, on this machine."""
    return Layout(
        device=device(),
        replicas=int(parameters.get("data_parallel_size") or 1),
        tensor=int(parameters.get("tensor_parallel_size") or 1),
        pipeline=int(parameters.get("pipeline_parallel_size") or 1),
    )
