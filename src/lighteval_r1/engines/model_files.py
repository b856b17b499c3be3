"""The model on disk: which one it is, whether it is whole, how large it is, and whether it can be split as asked."""

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from lighteval_r1.outside.hub_files import hub_commit, model_file
from lighteval_r1.records import UserError

WEIGHTS = ("*.safetensors", "*.bin", "*.pt", "*.pth", "*.gguf")
# Read of each weight file for its digest: both ends and evenly spaced blocks, so that 100 GB take a second.
EDGE_BYTES = 2**20
BLOCK_BYTES = 4096
N_BLOCKS = 64
BYTES_PER_VALUE = 2  # bfloat16: weights of which only the number is known, and the KV cache


@dataclass(frozen=True)
class ModelIdentity:
    """name: Hub id, or the local folder's name. revision: commit, or "sha256:…" over a local folder's content."""

    name: str
    revision: str


def identify(model: str, *, revision: str, load_format: str | None) -> ModelIdentity:
    """Which model this is, by content. UserError where it is neither a folder with weights nor a Hub id."""
    folder = Path(model).expanduser()
    if folder.is_dir():
        return ModelIdentity(folder.resolve().name, folder_digest(folder, load_format=load_format))
    if model.startswith((".", "/", "~")) or model.count("/") > 1:
        raise UserError(f"there is no model folder {model}. Give a folder with config.json and weights, or a Hub id.")
    return ModelIdentity(model, hub_commit(model, revision=revision))


def identity_files(model: str) -> list[Path]:
    """The files that a local folder's identity is made of; [] for a model of the Hub."""
    folder = Path(model).expanduser()
    return sorted({path for pattern in (*WEIGHTS, "*.json", "*.jinja") for path in folder.glob(pattern)})


def folder_digest(folder: Path, *, load_format: str | None = None) -> str:
    files = identity_files(str(folder))
    if not (folder / "config.json").is_file():
        raise UserError(f"{folder} has no config.json: it is not a model folder.")
    if load_format != "dummy" and not any(path.suffix != ".json" and path.suffix != ".jinja" for path in files):
        raise UserError(f"{folder} has no weights ({', '.join(WEIGHTS)}). Was the checkpoint saved completely?")
    return content_digest(files)


def content_digest(files: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for path in files:
        digest.update(f"{path.name} {path.stat().st_size}\n".encode())
        digest.update(sampled_bytes(path))
    return f"sha256:{digest.hexdigest()[:32]}"


def sampled_bytes(path: Path) -> bytes:
    size = path.stat().st_size
    with path.open("rb") as file:
        if size <= 4 * EDGE_BYTES:
            return file.read()
        parts = [file.read(EDGE_BYTES)]
        for i in range(1, N_BLOCKS):
            file.seek(size * i // N_BLOCKS)
            parts.append(file.read(BLOCK_BYTES))
        file.seek(size - EDGE_BYTES)
        parts.append(file.read())
    return b"".join(parts)


def check_split(config: object, *, tensor_parallel_size: int, pipeline_parallel_size: int) -> None:
    """UserError where the heads do not divide. config: transformers' model configuration."""
    text = config.get_text_config()
    heads = getattr(text, "num_attention_heads", None)
    if heads and heads % tensor_parallel_size:
        sizes = [k for k in range(1, heads + 1) if heads % k == 0]
        raise UserError(
            f"tensor_parallel_size={tensor_parallel_size} does not divide the model's {heads} attention heads. "
            f"Possible: {', '.join(map(str, sizes))}."
        )
    layers = getattr(text, "num_hidden_layers", None)
    if layers and pipeline_parallel_size > layers:
        raise UserError(f"pipeline_parallel_size={pipeline_parallel_size} is more than the model's {layers} layers.")


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
    text = config.get("text_config", config)
    layers, heads = text.get("num_hidden_layers"), text.get("num_attention_heads")
    if not n_bytes:
        return None
    if text.get("kv_lora_rank"):
        # multi-head latent attention keeps one compressed vector a token and layer, on every GPU
        kv_heads, values = 1, text["kv_lora_rank"] + text.get("qk_rope_head_dim", 0)
    else:
        kv_heads = text.get("num_key_value_heads") or heads
        values = 2 * (text.get("head_dim") or text.get("hidden_size", 0) // (heads or 1))
    if not (layers and heads and values):
        return ModelSize(n_bytes)
    context = text.get("max_position_embeddings") or 0
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
    return index.get("metadata", {}).get("total_size") or n_bytes


def named_bytes(model: str) -> float | None:
    """By the size in the model's name ("7B", "8x7B"), as bfloat16."""
    sizes = re.findall(r"(?<![\w.])(?:(\d+)x)?(\d+(?:\.\d+)?)[bB](?![a-zA-Z0-9])", model.rpartition("/")[2])
    return max((float(times or 1) * float(size) * 1e9 * BYTES_PER_VALUE for times, size in sizes), default=None)


def makers_sampling(model: str, *, revision: str) -> dict[str, float]:
    """What the model's generation_config.json says of sampling, by our names; {} where it says nothing."""
    names = ("temperature", "top_p", "top_k", "min_p", "repetition_penalty")
    says = described(model, "generation_config.json", revision=revision, fetch=True)
    if says.get("do_sample") is False:
        return {}
    return {name: says[name] for name in names if says.get(name) is not None}


def described(model: str, name: str, *, revision: str, fetch: bool) -> dict:
    """What a JSON file of the model says; {} where it is not at hand. The cache first: a size stays as it is."""
    path = model_file(model, name, revision=revision, fetch=False)
    path = path or (model_file(model, name, revision=revision) if fetch else None)
    try:
        return json.loads(path.read_text(encoding="utf-8")) if path else {}
    except ValueError:
        raise UserError(f"{path} is damaged: it is not JSON. Was the checkpoint saved completely?") from None
