"""vLLM's own arguments, as a user may say them: known by the installed source, which is read and not imported (10 s).

Where vLLM is not installed nothing is known of them; a job's own machine says then what is wrong.
"""

import ast
import difflib
import importlib.util
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from lighteval_r1.records import UserError

# Where EngineArgs stands, and the names that its annotations use.
SOURCES = (
    "engine/arg_utils.py",
    "config/*.py",
    "model_executor/layers/quantization/__init__.py",
    "model_executor/model_loader/__init__.py",
    "v1/attention/backends/registry.py",
)
# vLLM's name -> LightEval's, in a recipe's model_parameters: one home for each.
IN_PARAMETERS = {
    name: name
    for name in (
        "tokenizer", "revision", "dtype", "quantization", "load_format", "trust_remote_code", "seed", "max_num_seqs",
        "max_num_batched_tokens", "gpu_memory_utilization", "enable_prefix_caching", "tensor_parallel_size",
        "pipeline_parallel_size", "data_parallel_size",
    )
} | {"max_model_len": "max_model_length"}  # fmt: skip
# What the run decides, and how else a user says it.
DECIDED = {
    "model": "MODEL=",
    "served_model_name": "nothing: no server is started",
    "runner": "nothing: replies are generated",
    "skip_tokenizer_init": "nothing: replies are text",
    "generation_config": "--generation-config",
    "override_generation_config": "generation_parameters in a recipe",
    "reasoning_parser": "--reasoning-parser",
    "enable_lora": "--lora",
}
# Those that change what is drawn, so that they are part of the settings' identity. The others change how fast, and by
# rounding in which order.
CHANGE_DRAWS = frozenset(
    "hf_overrides hf_config_path kv_cache_dtype kv_cache_dtype_skip_layers quantization_config model_class_overrides "
    "model_weights code_revision tokenizer_mode tokenizer_revision config_format logits_processors lora_dtype "
    "disable_sliding_window mamba_cache_dtype mamba_ssm_cache_dtype reasoning_config watermark_config "
    "diffusion_config".split()
)
# vLLM's defaults of these, as a user may spell them.
AT_DEFAULT = (None, "auto", "", False, {}, [])
PLAIN = {"bool": bool, "int": int, "float": (int, float), "str": str, "list": list, "dict": dict, "set": list}


@cache
def sources() -> list[ast.Module]:
    """The files of the installed vLLM; [] without it."""
    package = importlib.util.find_spec("vllm")
    if package is None or not package.submodule_search_locations:
        return []
    home = Path(package.submodule_search_locations[0])
    paths = [path for pattern in SOURCES for path in sorted(home.glob(pattern))]
    return [ast.parse(path.read_text(encoding="utf-8")) for path in paths]


@cache
def types_known() -> dict[str, ast.expr]:
    """name -> annotation: the fields of EngineArgs; {} without vLLM."""
    for module in sources():
        for node in module.body:
            if isinstance(node, ast.ClassDef) and node.name == "EngineArgs":
                fields = [part for part in node.body if isinstance(part, ast.AnnAssign)]
                return {field.target.id: field.annotation for field in fields if isinstance(field.target, ast.Name)}
    return {}


@cache
def choices_known() -> dict[str, ast.expr | list[str]]:
    """What annotations name: `X = Literal[…]`, and the members of enumerations."""
    known: dict[str, ast.expr | list[str]] = {}
    for module in sources():
        for node in module.body:
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Subscript):
                known |= {target.id: node.value for target in node.targets if isinstance(target, ast.Name)}
            elif isinstance(node, ast.ClassDef) and any(ast.unparse(base) == "Enum" for base in node.bases):
                members = [part.targets[0] for part in node.body if isinstance(part, ast.Assign)]
                known[node.name] = [member.id for member in members if isinstance(member, ast.Name)]
    return known


def choices(annotation: ast.expr) -> list[object] | None:
    """All values that it allows; None where it allows more than can be listed."""
    match annotation:
        case ast.Constant(value=None):
            return [None]
        case ast.Constant(value=str(text)):
            return choices(ast.parse(text, mode="eval").body)
        case ast.Name(id=name) if name in choices_known():
            known = choices_known()[name]
            return list(known) if isinstance(known, list) else choices(known)
        case ast.Subscript(value=ast.Name(id="Literal"), slice=inner):
            parts = inner.elts if isinstance(inner, ast.Tuple) else [inner]
            lists = [[part.value] if isinstance(part, ast.Constant) else choices(part) or [] for part in parts]
            return [value for values in lists for value in values]
        case ast.BinOp(left=left, right=right):
            ours, theirs = choices(left), choices(right)
            return None if ours is None or theirs is None else ours + theirs
    return None


def fits(value: object, annotation: ast.expr) -> bool:
    """Whether a value may be of this type; what is neither plain nor listed is left to vLLM."""
    allowed = choices(annotation)
    if allowed is not None:
        # true is 1 in Python, and members of enumerations may be spelt small
        spelt = value.upper() if isinstance(value, str) else value
        return any(type(value) is type(known) and known in (value, spelt) for known in allowed)
    match annotation:
        case ast.Constant(value=str(text)):
            return fits(value, ast.parse(text, mode="eval").body)
        case ast.BinOp(left=left, right=right):
            return fits(value, left) or fits(value, right)
        case ast.Subscript(value=ast.Name(id=name)) | ast.Name(id=name) if name in PLAIN:
            return isinstance(value, PLAIN[name]) and (name == "bool" or not isinstance(value, bool))
    return isinstance(value, dict | str | int) and not isinstance(value, bool)


def check_engine_options(arguments: Mapping) -> None:
    """UserError, with the nearest name or the values allowed, for what vLLM would not take."""
    known = types_known()
    for name, value in arguments.items():
        if name in IN_PARAMETERS:
            raise UserError(f"vllm: {name} belongs under model_parameters, as {IN_PARAMETERS[name]}.")
        if name in DECIDED:
            raise UserError(f"vllm: {name} is the run's. Say {DECIDED[name]}.")
        if not known:
            continue
        if name not in known or name.startswith("_"):
            near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
            hint = f" Did you mean {', '.join(near)}?" if near else ""
            raise UserError(f"vllm: vLLM has no argument {name}.{hint}")
        if not fits(value, known[name]):
            allowed = choices(known[name])
            wanted = ", ".join(map(str, allowed)) if allowed else ast.unparse(known[name])
            near = difflib.get_close_matches(str(value).upper(), [str(v).upper() for v in allowed or ()], n=1)
            hint = f"Did you mean {next(v for v in allowed or () if str(v).upper() == near[0])}? " if near else ""
            raise UserError(f"vllm: {name}={value!r} is not what vLLM takes. {hint}It takes {wanted}.")


def changing_draws(arguments: Mapping) -> dict:
    """Those of vLLM's arguments that are part of the settings' identity."""
    return {name: value for name, value in arguments.items() if name in CHANGE_DRAWS and value not in AT_DEFAULT}


def split_options(arguments: Mapping) -> tuple[dict, dict]:
    """(LightEval's parameters, vLLM's own) of what was said as vLLM's."""
    theirs = {IN_PARAMETERS[name]: value for name, value in arguments.items() if name in IN_PARAMETERS}
    return theirs, {name: value for name, value in arguments.items() if name not in IN_PARAMETERS}
