"""LightEval's model parameters: what each may be, known before LightEval is imported."""

import difflib
import math
from collections.abc import Mapping

from lighteval_r1.engines import MAX_TOKENS
from lighteval_r1.records import UserError

# As LightEval's VLLMModelConfig and GenerationParameters have them; stricter where these take what nothing
# can be sampled with.
TEXT, FLAG, MAPPING, TEXTS = "text", "true or false", "a mapping", "a list of texts"
POSITIVE, COUNT, NUMBER, SHARE = "a whole number from 1", "a whole number from 0", "a number from 0", "above 0, up to 1"
PARAMETERS = {
    **dict.fromkeys(("model_name", "tokenizer", "revision", "dtype", "quantization", "load_format", "subfolder"), TEXT),
    **dict.fromkeys(("system_prompt", "cache_dir"), TEXT),
    **dict.fromkeys(
        ("tensor_parallel_size", "data_parallel_size", "pipeline_parallel_size", "max_model_length"), POSITIVE
    ),
    **dict.fromkeys(("swap_space", "max_num_seqs", "max_num_batched_tokens"), POSITIVE),
    **dict.fromkeys(("enable_prefix_caching", "trust_remote_code", "add_special_tokens", "is_async"), FLAG),
    **dict.fromkeys(("multichoice_continuations_start_space", "pairwise_tokenization", "override_chat_template"), FLAG),
    "seed": COUNT,
    "gpu_memory_utilization": NUMBER,
    "generation_parameters": MAPPING,
}
GENERATION = {
    **dict.fromkeys(("num_blocks", "block_size", "min_new_tokens", "seed", "top_k"), COUNT),
    **dict.fromkeys(("temperature", "min_p", "repetition_penalty", "frequency_penalty", "length_penalty"), NUMBER),
    **dict.fromkeys(("early_stopping", "truncate_prompt"), FLAG),
    **dict.fromkeys(("cache_implementation", "response_format"), TEXT),
    "presence_penalty": NUMBER,
    "max_new_tokens": POSITIVE,
    "stop_tokens": TEXTS,
    "top_p": SHARE,
}


def check_parameters(parameters: Mapping) -> None:
    """UserError for what LightEval would refuse, or nothing could be sampled with. Fields that say nothing are None."""
    check_kinds(parameters, PARAMETERS, where="model_parameters")
    check_kinds(parameters.get("generation_parameters") or {}, GENERATION, where="generation_parameters")


def check_kinds(values: Mapping, kinds: Mapping[str, str], *, where: str) -> None:
    for name, value in values.items():
        if name not in kinds:
            near = difflib.get_close_matches(str(name), kinds, n=1, cutoff=0.0)
            raise UserError(f"{where}: there is no {name}. Nearest: {near[0]}. All: {', '.join(sorted(kinds))}.")
        if value is not None and not may_be(value, kinds[name]):
            raise UserError(f"{where}: {name} {value!r} is not {kinds[name]}.")


def may_be(value: object, kind: str) -> bool:
    types = {TEXT: str, FLAG: bool, MAPPING: Mapping, TEXTS: list}
    if kind in types:
        return isinstance(value, types[kind])
    try:
        number = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        return False
    if kind in (POSITIVE, COUNT):
        return number.is_integer() and number >= (kind == POSITIVE)
    return 0 <= number < math.inf if kind == NUMBER else 0 < number <= 1


def max_tokens_of(parameters: Mapping) -> int:
    return (parameters.get("generation_parameters") or {}).get("max_new_tokens") or MAX_TOKENS
