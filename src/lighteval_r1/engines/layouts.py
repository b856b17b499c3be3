"""How large a model is, and how many GPUs one replica of it needs."""

import json
import math
import re
from dataclasses import dataclass
from pathlib import Path

from lighteval_r1.records import UserError

# From this size on a replica always takes several GPUs: the KV cache of 32,768-token replies needs the room.
LARGE_PARAMETERS = 30e9
BYTES_PER_PARAMETER = 2  # bfloat16
# Of a GPU's memory, the weights may take so much: wanted, to leave room for the KV cache, and at the very most.
WANTED_SHARE = 0.5
MOST_SHARE = 0.8


@dataclass(frozen=True)
class ClusterLayout:
    """tensor GPUs x pipeline nodes make a replica; replicas of them run side by side."""

    tensor: int
    pipeline: int
    replicas: int


def n_parameters(model: str) -> float | None:
    """By the weights of a local folder (as bfloat16), else by the size in the name ("7B", "8x7B"); None where neither says."""
    folder = Path(model).expanduser()
    if folder.is_dir():
        n_bytes = sum(path.stat().st_size for pattern in ("*.safetensors", "*.bin") for path in folder.glob(pattern))
        return n_bytes / BYTES_PER_PARAMETER or None
    sizes = re.findall(r"(?<![\w.])(?:(\d+)x)?(\d+(?:\.\d+)?)[bB](?![a-zA-Z0-9])", model.rpartition("/")[2])
    return max(float(times or 1) * float(size) * 1e9 for times, size in sizes) if sizes else None


def weight_bytes(model: str, *, revision: str) -> float | None:
    """Bytes of a model's weights as they are stored: by their index, else by the files themselves, else by its name."""
    index = model_file(model, "model.safetensors.index.json", revision=revision)
    if index is not None:
        return float(json.loads(index.read_text())["metadata"]["total_size"])
    weights = model_file(model, "model.safetensors", revision=revision)
    if weights is not None:
        return float(weights.stat().st_size)
    size = n_parameters(model)
    return None if size is None else size * BYTES_PER_PARAMETER


def model_file(model: str, name: str, *, revision: str) -> Path | None:
    """A file of a local folder, of the cache, or (the index and the configuration, which are small) of the Hub."""
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import EntryNotFoundError, HfHubHTTPError, HFValidationError

    folder = Path(model).expanduser()
    if folder.is_dir():
        return folder / name if (folder / name).is_file() else None
    try:
        return Path(hf_hub_download(model, name, revision=revision, local_files_only=not name.endswith(".json")))
    except (EntryNotFoundError, HfHubHTTPError, HFValidationError):
        # not there, or (LocalEntryNotFoundError is one of the first kind) out of reach and not cached
        return None


def attention_heads(model: str, *, revision: str) -> int | None:
    """As the model's configuration says; None where it does not."""
    path = model_file(model, "config.json", revision=revision)
    if path is None:
        return None
    config = json.loads(path.read_text())
    return config.get("text_config", config).get("num_attention_heads")


def automatic(model: str, *, revision: str, n_gpus: int, gpu_memory_gb: float) -> ClusterLayout:
    """One GPU a replica where the weights fit it, else the fewest that hold them and divide the heads; the rest are replicas."""
    n_bytes = weight_bytes(model, revision=revision)
    if n_bytes is None:
        raise UserError(f"PARALLEL=auto: neither files nor name of {model} say its size. Say PARALLEL=data or tensor.")
    heads = attention_heads(model, revision=revision)
    for k in range(1, n_gpus + 1):
        if n_bytes / 1e9 / k <= MOST_SHARE * gpu_memory_gb and not (heads or k) % k:
            return ClusterLayout(tensor=k, pipeline=1, replicas=n_gpus // k)
    raise UserError(
        f"PARALLEL=auto: {model} has {n_bytes / 1e9:.0f} GB of weights, which {n_gpus} GPUs of {gpu_memory_gb:.0f} GB do not "
        f"hold{f' on a number of them that divides its {heads} attention heads' if heads else ''}. Use more GPUs or several nodes."
    )


def layout_for(model: str, *, tensor: str, n_gpus: int, gpu_memory_gb: float, nodes: int) -> ClusterLayout:
    """The layout on nodes of n_gpus GPUs each. tensor: "auto" or a number. UserError where the model cannot fit."""
    if nodes > 1:
        return ClusterLayout(tensor=n_gpus or 1, pipeline=nodes, replicas=1)
    if n_gpus == 0:
        return ClusterLayout(1, 1, 1)
    k = (
        tensor_size(model, n_gpus=n_gpus, gpu_memory_gb=gpu_memory_gb)
        if tensor == "auto"
        else explicit(tensor, n_gpus=n_gpus)
    )
    return ClusterLayout(tensor=k, pipeline=1, replicas=n_gpus // k)


def explicit(tensor: str, *, n_gpus: int) -> int:
    if not tensor.isdigit() or not 1 <= int(tensor) <= n_gpus:
        raise UserError(f"--tensor-parallel {tensor} is neither auto nor a number from 1 to the node's {n_gpus} GPUs.")
    return int(tensor)


def tensor_size(model: str, *, n_gpus: int, gpu_memory_gb: float) -> int:
    """The smallest power of two that leaves room beside the weights; all GPUs of the node where it is tight."""
    size = n_parameters(model)
    if size is None:
        raise UserError(f"the size of {model} is not known from its name or its files. Say --tensor-parallel k.")
    weights_gb = size * BYTES_PER_PARAMETER / 1e9
    if size < LARGE_PARAMETERS and weights_gb <= MOST_SHARE * gpu_memory_gb:
        return 1
    for power in range(1, int(math.log2(n_gpus)) + 1):
        if weights_gb / 2**power <= WANTED_SHARE * gpu_memory_gb:
            return 2**power
    if weights_gb / n_gpus <= MOST_SHARE * gpu_memory_gb:
        return n_gpus
    nodes = math.ceil(weights_gb / (MOST_SHARE * gpu_memory_gb * n_gpus))
    raise UserError(
        f"{model} has about {weights_gb:.0f} GB of weights; a node has {n_gpus} GPUs of {gpu_memory_gb:.0f} GB. Say --nodes {nodes}."
    )
