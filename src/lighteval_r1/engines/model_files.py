"""The model on disk: which one it is, whether it is whole and of a kind that runs, and whether it splits as asked."""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from lighteval_r1.outside.decoding import decoded, read_json
from lighteval_r1.outside.hub_files import hub_commit, model_file
from lighteval_r1.records import UserError

NO_GGUF = "vLLM 0.32 has no loader for GGUF files. Take the model's safetensors, or a server that runs GGUF (endpoint)."
COMPLETELY = "Was the checkpoint saved completely?"
WEIGHTS = ("*.safetensors", "*.bin", "*.pt", "*.pth", "*.gguf")
# Read of each weight file for its digest: both ends and evenly spaced blocks, so that 100 GB take a second.
EDGE_BYTES = 2**20
BLOCK_BYTES = 4096
N_BLOCKS = 64


@dataclass(frozen=True)
class ModelIdentity:
    """name: Hub id, or the local folder's name. revision: commit, or "sha256:…" over a local folder's content."""

    name: str
    revision: str


def identify(parameters: Mapping) -> ModelIdentity:
    """Which model LightEval's parameters name, by content. UserError where it is neither a folder with weights nor a
    Hub id."""
    model, revision = str(parameters["model_name"]), str(parameters.get("revision") or "main")
    folder = Path(model).expanduser()
    if folder.is_dir():
        return ModelIdentity(folder.resolve().name, folder_digest(folder, load_format=parameters.get("load_format")))
    if model.startswith((".", "/", "~")) or model.count("/") > 1:
        raise UserError(f"there is no model folder {model}. Give a folder with config.json and weights, or a Hub id.")
    return ModelIdentity(model, hub_commit(model, revision=revision))


def folder_digest(folder: Path, *, load_format: str | None = None) -> str:
    """Over the content of its weights and descriptions."""
    files = sorted({path for pattern in (*WEIGHTS, "*.json", "*.jinja") for path in folder.glob(pattern)})
    if not (folder / "config.json").is_file():
        raise UserError(f"{folder} has no config.json: it is not a model folder.")
    if load_format != "dummy" and not any(path.suffix != ".json" and path.suffix != ".jinja" for path in files):
        raise UserError(f"{folder} has no weights ({', '.join(WEIGHTS)}). {COMPLETELY}")
    return content_digest(files)


@dataclass(frozen=True)
class Tensor:
    """data_offsets: where its values begin and end, behind the header."""

    shape: list[int]
    data_offsets: tuple[int, int]


def tensors_in(path: Path) -> dict[str, Tensor]:
    """What a safetensors file says of its tensors, by name: JSON behind eight bytes of its length, then the values.

    UserError where the file ends before they do.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        begin = 8 + int.from_bytes(file.read(8), "little")
        header = file.read(begin - 8) if begin <= size else b""
    try:
        said = json.loads(header)
        said.pop("__metadata__", None)
    except (ValueError, AttributeError, TypeError):
        raise UserError(f"{path} is no safetensors file, or its beginning is damaged. {COMPLETELY}") from None
    tensors = decoded(dict[str, Tensor], said, where=path)
    end = begin + max((tensor.data_offsets[1] for tensor in tensors.values()), default=0)
    if size < end:
        raise UserError(f"{path} is cut off: it has {size:,} of {end:,} bytes. {COMPLETELY}")
    return tensors


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


def check_weights(model: str, parameters: Mapping) -> None:
    """UserError where a folder's files are GGUF, or damaged as a copy that was stopped leaves them."""
    folder = Path(model).expanduser()
    only = folder.is_dir() and any(folder.glob("*.gguf")) and not any(folder.glob("*.safetensors"))
    if model.endswith(".gguf") or only or "gguf" in (parameters.get("quantization"), parameters.get("load_format")):
        raise UserError(NO_GGUF)
    for name in ("config.json", "generation_config.json", "tokenizer_config.json"):
        if (folder / name).is_file():
            read_description(folder / name)
    index = folder / "model.safetensors.index.json"
    named = read_description(index).get("weight_map") if index.is_file() else None
    for name in sorted(set(named.values())) if isinstance(named, dict) else []:
        if not (folder / str(name)).is_file():
            raise UserError(f"{folder} has no {name}, which {index.name} names. {COMPLETELY}")
    for path in folder.glob("*.safetensors") if parameters.get("load_format") != "dummy" else ():
        tensors_in(path)


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
    return read_description(path) if path else {}


def whole_numbers(config: Mapping) -> Callable[[str], int]:
    """What a model's configuration says of its text model, by name; 0 where it says nothing, or no one number.

    Some models' layers differ and have lists.
    """
    text = config.get("text_config")
    text = text if isinstance(text, Mapping) else config

    def said(name: str) -> int:
        value = text.get(name)
        return value if isinstance(value, int) and value > 0 else 0

    return said


def read_description(path: Path) -> dict:
    try:
        return decoded(dict, read_json(path), where=path)
    except UserError as error:
        raise UserError(f"{error} {COMPLETELY}") from None
