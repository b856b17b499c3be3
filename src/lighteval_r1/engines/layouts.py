"""How replicas of a model lie on a machine: as they were asked for, or so that weights and long replies have room."""

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass

from lighteval_r1.engines import MAX_TOKENS
from lighteval_r1.engines.machine import device, memory_gib, n_gpus
from lighteval_r1.engines.model_files import BYTES_PER_VALUE, ModelSize, model_size
from lighteval_r1.outside import variables
from lighteval_r1.records import UserError

# Replies as long as the limit that shall have room beside the weights; of shorter ones there is room for many more.
WANTED_REPLIES = 4
PROMPT_TOKENS = 2048
# vLLM's and LightEval's default: of a GPU's memory, what weights, KV cache and activations may take together.
MEMORY_SHARE = 0.9
# Where only the size is known, the weights may take MOST_SHARE of one GPU's memory, WANTED_SHARE of several; from this
# size on a replica always takes several. Where even all are tight, MOST_SHARE.
LARGE_BYTES = 30e9 * BYTES_PER_VALUE
WANTED_SHARE, MOST_SHARE = 0.5, 0.8


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


def automatic(parameters: Mapping, *, n_gpus: int, gpu_memory_gb: float) -> Layout:
    """The most replicas of a model that have room for its weights and long replies. parameters: LightEval's.

    Where not even all GPUs together have it, one replica on all, if one such reply fits. UserError where it does not.
    """
    model = str(parameters["model_name"])
    size = model_size(model, revision=str(parameters.get("revision") or "main"))
    if size is None:
        raise UserError(
            f"neither files nor name of {model} say its size, so its layout cannot be found. Say PARALLEL=data or "
            "tensor, or --tensor-parallel k where jobs are submitted."
        )
    for replicas in range(n_gpus, 0, -1):
        tensor = max(k for k in range(1, n_gpus // replicas + 1) if size.can_split(k))
        if n_replies(size, parameters, tensor=tensor, gpu_memory_gb=gpu_memory_gb) >= WANTED_REPLIES:
            return Layout("gpu", replicas=replicas, tensor=tensor)
    if n_replies(size, parameters, tensor=tensor, gpu_memory_gb=gpu_memory_gb) >= 1:
        return Layout("gpu", tensor=tensor)
    nodes = math.ceil(size.weight_bytes / 1e9 / (MOST_SHARE * gpu_memory_gb * n_gpus))
    raise UserError(
        f"{model} has {size.weight_bytes / 1e9:.0f} GB of weights, which {n_gpus} GPUs of {gpu_memory_gb:.0f} GB do "
        "not hold beside a reply as long as the limit. Use more GPUs or several nodes (submit --nodes "
        f"{max(2, nodes)})."
    )


def n_replies(size: ModelSize, parameters: Mapping, *, tensor: int, gpu_memory_gb: float) -> float:
    """Replies as long as the limit that have room at once beside the weights on so many GPUs."""
    if not size.heads:
        share = size.weight_bytes / 1e9 / tensor / gpu_memory_gb
        wanted = MOST_SHARE if tensor == 1 and size.weight_bytes < LARGE_BYTES else WANTED_SHARE
        return WANTED_REPLIES if share <= wanted else float(share <= MOST_SHARE)
    share = float(parameters.get("gpu_memory_utilization") or MEMORY_SHARE)
    free_bytes = share * gpu_memory_gb * 1e9 * tensor - size.weight_bytes
    return free_bytes / (reply_tokens(size, parameters) * size.kv_token_bytes(tensor))


def expected_tokens(max_tokens: int) -> int:
    """Tokens that a prompt and its reply hold while it is drawn, for how many are drawn at once.

    A quarter of the limit: with 32,768 it is 8,704, what replies of R1's distilled models to AIME hold (about 9,000).
    """
    return max_tokens // 4 + PROMPT_TOKENS // 4


def reply_tokens(size: ModelSize, parameters: Mapping) -> int:
    """Tokens of a prompt and a reply as long as the limit."""
    given = dict(parameters.get("generation_parameters") or {})
    limits = (size.context, parameters.get("max_model_length"))
    return min([(given.get("max_new_tokens") or MAX_TOKENS) + PROMPT_TOKENS, *map(int, filter(None, limits))])
