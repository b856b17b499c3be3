"""The model on disk: which one it is, whether it is whole, and whether it can be split as asked."""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from lighteval_r1.engines.environment import gpu_names
from lighteval_r1.records import UserError

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


def identify(model: str, *, revision: str, load_format: str | None) -> ModelIdentity:
    """Which model this is, by content. UserError where it is neither a folder with weights nor a Hub id."""
    folder = Path(model).expanduser()
    if folder.is_dir():
        return ModelIdentity(folder.resolve().name, folder_digest(folder, load_format=load_format))
    if model.startswith((".", "/", "~")) or model.count("/") > 1:
        raise UserError(f"there is no model folder {model}. Give a folder with config.json and weights, or a Hub id.")
    return ModelIdentity(model, hub_commit(model, revision=revision))


def folder_digest(folder: Path, *, load_format: str | None = None) -> str:
    files = sorted({path for pattern in (*WEIGHTS, "*.json", "*.jinja") for path in folder.glob(pattern)})
    if not (folder / "config.json").is_file():
        raise UserError(f"{folder} has no config.json: it is not a model folder.")
    if load_format != "dummy" and not any(path.suffix != ".json" and path.suffix != ".jinja" for path in files):
        raise UserError(f"{folder} has no weights ({', '.join(WEIGHTS)}). Was the checkpoint saved completely?")
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


def hub_commit(model: str, *, revision: str) -> str:
    """The commit that a Hub revision stands for now, or stood for when it was cached."""
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, LocalEntryNotFoundError, RepositoryNotFoundError

    try:
        path = hf_hub_download(model, "config.json", revision=revision)
    except GatedRepoError:
        raise UserError(
            f"{model} is gated: ask for access at https://huggingface.co/{model}, then run `hf auth login`."
        ) from None
    except RepositoryNotFoundError:
        raise UserError(
            f"there is no model {model} on the Hub (or it is private and HF_TOKEN may not read it)."
        ) from None
    except LocalEntryNotFoundError:
        raise UserError(
            f"{model} (revision {revision}) is neither a local folder nor in the cache, and the Hub is out of reach. "
            "Give a local folder, or download the model where there is internet."
        ) from None
    except (HfHubHTTPError, ValueError) as error:
        raise UserError(f"cannot find model {model}, revision {revision}: {str(error).splitlines()[0]}") from None
    return Path(path).parent.name


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


def device() -> str:
    """ "gpu" or "cpu": LIGHTEVAL_R1_DEVICE where it is set, else whether the driver shows a GPU."""
    chosen = os.environ.get("LIGHTEVAL_R1_DEVICE", "").lower()
    if chosen not in ("", "gpu", "cpu"):
        raise UserError(f"LIGHTEVAL_R1_DEVICE={chosen!r} is neither gpu nor cpu.")
    return chosen or ("gpu" if n_gpus() else "cpu")


def n_gpus() -> int:
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        return len([gpu for gpu in visible.split(",") if gpu.strip()])
    return len(gpu_names())


def n_nodes() -> int:
    """Nodes that one replica spans through Ray: LIGHTEVAL_R1_NODES, which the Slurm job sets."""
    return int(os.environ.get("LIGHTEVAL_R1_NODES", "1"))


def check_device_count(*, replicas: int, gpus_each: int) -> None:
    """UserError where more GPUs are asked for than there are (cores, without GPUs)."""
    asked = replicas * gpus_each
    if device() == "gpu":
        there, what = n_gpus() * n_nodes(), "GPUs"
    else:
        there, what = len(os.sched_getaffinity(0)), "CPU cores (there is no GPU)"
    if asked > there:
        raise UserError(
            f"data_parallel_size={replicas} x {gpus_each} per replica asks for {asked} devices; there are {there} {what}."
        )
