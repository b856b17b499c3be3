"""LightEval's MODEL_ARGS as an engine on vLLM."""

import pydantic
import yaml
from lighteval.models.vllm.vllm_model import VLLMModelConfig

from lighteval_r1.engines import MAX_TOKENS, TEMPERATURE, TOP_P
from lighteval_r1.engines.layouts import Layout, layout_of
from lighteval_r1.engines.model_files import ModelIdentity, check_split
from lighteval_r1.engines.vllm import ReplicaProcess, VllmEngine
from lighteval_r1.graders.marks import choose
from lighteval_r1.outside import variables
from lighteval_r1.records import Settings, UserError, sha256

# Samples that vLLM runs at once per replica on a GPU, where the user gives none: its own default for a server.
MAX_NUM_SEQS = {"gpu": 256, "cpu": 64}


class R1Config(VLLMModelConfig):
    """LightEval's configuration with what ours adds to the results."""

    lighteval_r1: dict = {}


def make_engine(config: VLLMModelConfig, *, identity: ModelIdentity, processes: list[ReplicaProcess]) -> VllmEngine:
    """The engine that MODEL_ARGS describe. UserError for what cannot run, before any weight is read."""
    from transformers import AutoConfig, AutoTokenizer

    layout = layout_of(config.model_dump())
    source = {"revision": config.revision, "trust_remote_code": config.trust_remote_code}
    try:
        model_config = AutoConfig.from_pretrained(config.model_name, **source)
        tokenizer = AutoTokenizer.from_pretrained(config.tokenizer or config.model_name, **source)
    except (OSError, ValueError) as error:
        raise UserError(f"cannot read model {config.model_name}: {str(error).strip().splitlines()[0]}") from None
    check_split(
        model_config,
        tensor_parallel_size=config.tensor_parallel_size,
        pipeline_parallel_size=config.pipeline_parallel_size,
    )
    templated = config.override_chat_template
    if templated is None:
        templated = tokenizer.chat_template is not None
    if templated and tokenizer.chat_template is None:
        raise UserError(f"override_chat_template=true, but {config.model_name} has no chat template.")
    max_num_seqs = config.max_num_seqs if "max_num_seqs" in config.model_fields_set else MAX_NUM_SEQS[layout.device]
    return VllmEngine(
        settings=settings_of(config, identity=identity, template=tokenizer.chat_template if templated else None),
        layout=layout,
        engine_args=engine_args(config, layout=layout, max_num_seqs=max_num_seqs),
        tokenizer=tokenizer,
        templated=templated,
        max_num_seqs=max_num_seqs,
        chosen=choose(
            variables.REASONING_PARSER.value(),
            model_type=str(getattr(model_config, "model_type", "")),
            template=str(tokenizer.chat_template or "") if templated else "",
            vocabulary=frozenset(tokenizer.get_vocab()),
        ),
        processes=processes,
    )


def settings_of(config: VLLMModelConfig, *, identity: ModelIdentity, template: str | None) -> Settings:
    given = config.generation_parameters
    names = ("min_p", "repetition_penalty", "frequency_penalty", "presence_penalty", "min_new_tokens", "stop_tokens")
    vllm_names = {"min_new_tokens": "min_tokens", "stop_tokens": "stop"}
    extra = {vllm_names.get(name, name): getattr(given, name) for name in names if getattr(given, name) is not None}
    if loops := variables.END_LOOPS.value():
        extra["repetition_detection"] = loops
    return Settings(
        model=identity.name,
        revision=identity.revision,
        system_prompt=config.system_prompt,
        chat_template=sha256(template) if template else "",
        temperature=given.temperature if "temperature" in given.model_fields_set else TEMPERATURE,
        top_p=TOP_P if given.top_p is None else given.top_p,
        top_k=given.top_k or 0,
        max_tokens=given.max_new_tokens or MAX_TOKENS,
        seed=config.seed if given.seed is None else given.seed,
        max_model_length=config.max_model_length,
        dtype=config.dtype,
        quantization=config.quantization,
        extra=extra,
    )


def engine_args(config: VLLMModelConfig, *, layout: Layout, max_num_seqs: int) -> dict:
    """Arguments for vLLM's AsyncEngineArgs; what the user did not set is left to vLLM."""
    args = {
        "model": config.model_name,
        "tokenizer": config.tokenizer,
        "revision": config.revision,
        "dtype": config.dtype,
        "tensor_parallel_size": config.tensor_parallel_size,
        "pipeline_parallel_size": config.pipeline_parallel_size,
        "gpu_memory_utilization": config.gpu_memory_utilization,
        "enable_prefix_caching": True if config.enable_prefix_caching is None else config.enable_prefix_caching,
        "max_model_len": config.max_model_length,
        "quantization": config.quantization,
        "load_format": config.load_format,
        "trust_remote_code": config.trust_remote_code,
        "seed": config.seed,
        "max_num_seqs": max_num_seqs,
        # Compiling pays on a GPU, as CUDA graphs do; on a CPU it costs minutes.
        "enforce_eager": layout.device == "cpu" or variables.EAGER.value(),
    }
    if variables.NODES.value() > 1:
        args["distributed_executor_backend"] = "ray"
    if layout.device == "cpu":
        # vLLM 0.32 rewinds the generator of a seeded request after a partial prefill, which CPU generators cannot.
        args["enable_chunked_prefill"] = False
    if "max_num_batched_tokens" in config.model_fields_set:
        args["max_num_batched_tokens"] = config.max_num_batched_tokens
    return {name: value for name, value in args.items() if value is not None}


def read_config(model_args: str) -> VLLMModelConfig:
    """MODEL_ARGS as LightEval reads them. UserError where it could not."""
    try:
        if model_args.endswith(".yaml"):
            return VLLMModelConfig.from_path(model_args)
        return VLLMModelConfig.from_args(model_args)
    except FileNotFoundError:
        raise UserError(f"there is no model configuration {model_args}.") from None
    except pydantic.ValidationError as error:
        first = error.errors()[0]
        raise UserError(f"model argument {'.'.join(map(str, first['loc']))}: {first['msg']}.") from None
    except (KeyError, ValueError, TypeError, yaml.YAMLError) as error:
        raise UserError(f"cannot read the model arguments {model_args!r}: {error}") from None
