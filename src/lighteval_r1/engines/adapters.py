"""A LoRA adapter: which one it is, by content, and whether it was made for this model."""

import re
from dataclasses import dataclass
from pathlib import Path

from lighteval_r1.engines.engine_options import choices, choices_known
from lighteval_r1.engines.model_files import content_digest, described, tensors_in, whole_numbers
from lighteval_r1.outside.decoding import decoded, read_json
from lighteval_r1.outside.hub_repositories import download, repo_files
from lighteval_r1.records import UserError

FILES = ("adapter_config.json", "adapter_model.safetensors", "adapter_model.bin")


@dataclass(frozen=True)
class Said:
    """Of a LoRA adapter's configuration: the rank of its matrices, and the model that it was made for."""

    r: int
    base_model_name_or_path: str | None


@dataclass(frozen=True)
class Adapter:
    """folder: its files. digest: over their content. rank: of its matrices. base: the model that it was made for."""

    folder: Path
    digest: str
    rank: int
    base: str

    @property
    def engine_args(self) -> dict:
        """What vLLM must be started with: the smallest rank of its list that holds this one."""
        listed = choices_known().get("MaxLoRARanks")
        ranks = [rank for rank in (choices(listed) if listed is not None else []) if rank >= self.rank]
        return {"enable_lora": True, "max_loras": 1, "max_lora_rank": min(ranks, default=self.rank)}


def read_adapter(named: str, *, model: str, revision: str) -> Adapter:
    """The adapter of a folder or a Hub id. UserError where it is none, or another model's."""
    folder = Path(named).expanduser()
    if not folder.is_dir():
        if named.startswith((".", "/", "~")) or named.count("/") != 1:
            raise UserError(f"there is no adapter {named}. Give a folder with adapter_config.json, or a Hub id.")
        there = set(repo_files(named, repo_type="model"))
        folder = download(named, [name for name in FILES if name in there], repo_type="model")
    files = [folder / name for name in FILES if (folder / name).is_file()]
    if len(files) < 2 or files[0].name != FILES[0]:
        raise UserError(f"{named} is no LoRA adapter: it needs {FILES[0]} and {FILES[1]}.")
    said = decoded(Said, read_json(files[0]), where=files[0])
    adapter = Adapter(folder.resolve(), content_digest(files), said.r, said.base_model_name_or_path or "")
    check_base(adapter, model=model, revision=revision)
    return adapter


def check_base(adapter: Adapter, *, model: str, revision: str) -> None:
    """UserError where the adapter was made for another model: by its name, and by the shapes of its matrices."""
    base, folder = adapter.base, Path(model).expanduser()
    if not folder.is_dir() and "/" in base and not Path(base).is_absolute() and base.lower() != model.lower():
        raise UserError(f"the adapter {adapter.folder} was made for {base}, not for {model}.")
    said = whole_numbers(described(model, "config.json", revision=revision, fetch=True))
    layers, width = said("num_hidden_layers"), said("hidden_size")
    weights = adapter.folder / FILES[1]
    for name, tensor in tensors_in(weights).items() if weights.is_file() else ():
        layer = re.search(r"\.layers\.(\d+)\.", name)
        if layer and layers and int(layer[1]) >= layers:
            raise UserError(f"the adapter {adapter.folder} has a layer {layer[1]}; {model} has {layers} layers.")
        if width and re.search(r"\.[qkv]_proj\.lora_A\.", name) and tensor.shape[-1:] != [width]:
            raise UserError(f"the adapter {adapter.folder} is for a width of {tensor.shape[-1]}; {model} has {width}.")
