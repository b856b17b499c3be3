"""How large a model is, and the layout that leaves room for its weights and long replies."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lighteval_r1.engines import MAX_TOKENS
from lighteval_r1.engines.layouts import Layout
from lighteval_r1.engines.model_files import WEIGHTS, described, whole_numbers
from lighteval_r1.outside.hub_files import model_file
from lighteval_r1.records import UserError

BYTES_PER_VALUE = 2  # bfloat16: weights of which only the number is known, and the KV cache
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
class ModelSize:
    """What a model takes of GPUs.

    weight_bytes: as they are stored. heads: attention heads, 0 where its configuration is not at hand; then the rest is
    not known either. kv_heads, kv_head_bytes: of the KV cache, the latter for one token over all layers. context:
    tokens that it was made for.
    """

    weight_bytes: float
    heads: int = 0
    kv_heads: int = 1
    kv_head_bytes: int = 0
    context: int = 0

    def can_split(self, k: int) -> bool:
        """Whether vLLM can split it over k GPUs: heads are dealt out whole, those of the cache also copied."""
        if not self.heads:
            return k & (k - 1) == 0
        return self.heads % k == 0 and (self.kv_heads % k == 0 or k % self.kv_heads == 0)

    def kv_token_bytes(self, k: int) -> int:
        """Of one token, over all of k GPUs."""
        return self.kv_head_bytes * max(self.kv_heads, k)


def model_size(model: str, *, revision: str = "main") -> ModelSize | None:
    """By its configuration and weights in a folder, cache or Hub, else by its name; None where that says nothing."""
    config = described(model, "config.json", revision=revision, fetch=True)
    n_bytes = weight_bytes(model, revision=revision, fetch=bool(config)) or named_bytes(model)
    if not n_bytes:
        return None
    said = whole_numbers(config)
    layers, heads = said("num_hidden_layers"), said("num_attention_heads")
    if said("kv_lora_rank"):
        # multi-head latent attention keeps one compressed vector a token and layer, on every GPU
        kv_heads, values = 1, said("kv_lora_rank") + said("qk_rope_head_dim")
    else:
        kv_heads = said("num_key_value_heads") or heads
        values = 2 * (said("head_dim") or said("hidden_size") // (heads or 1))
    if not (layers and heads and values):
        return ModelSize(n_bytes)
    context = said("max_position_embeddings")
    return ModelSize(n_bytes, heads, kv_heads, kv_head_bytes=layers * values * BYTES_PER_VALUE, context=context)


def weight_bytes(model: str, *, revision: str, fetch: bool) -> float | None:
    """As they are stored: by their index, else by the files at hand. fetch: the index may be asked of the Hub."""
    folder = Path(model).expanduser()
    if folder.is_dir():
        sizes = [sum(path.stat().st_size for path in folder.glob(pattern)) for pattern in WEIGHTS]
        n_bytes = next(filter(None, sizes), None)
    else:
        weights = model_file(model, "model.safetensors", revision=revision, fetch=False)
        n_bytes = weights and weights.stat().st_size
    index = described(model, "model.safetensors.index.json", revision=revision, fetch=fetch and not n_bytes)
    metadata = index.get("metadata")
    size = metadata.get("total_size") if isinstance(metadata, dict) else None
    return size if isinstance(size, int | float) and size > 0 else n_bytes


def named_bytes(model: str) -> float | None:
    """By the size in the model's name ("7B", "8x7B"), as bfloat16."""
    sizes = re.findall(r"(?<![\w.])(?:(\d+)x)?(\d+(?:\.\d+)?)[bB](?![a-zA-Z0-9])", model.rpartition("/")[2])
    return max((float(times or 1) * float(size) * 1e9 * BYTES_PER_VALUE for times, size in sizes), default=None)


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
