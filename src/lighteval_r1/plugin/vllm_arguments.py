"""LightEval's MODEL_ARGS as an engine on vLLM."""

from dataclasses import replace
from typing import Any

import pydantic
import yaml
from lighteval.models.vllm.vllm_model import VLLMModelConfig

from lighteval_r1.engines import MAX_TOKENS, TEMPERATURE, TOP_P
from lighteval_r1.engines.adapters import Adapter
from lighteval_r1.engines.engine_options import changing_draws
from lighteval_r1.engines.layouts import Layout, layout_of
from lighteval_r1.engines.model_files import ModelIdentity, check_split, makers_sampling
from lighteval_r1.engines.model_section import NOTHING, ModelSection, loops, no_marks
from lighteval_r1.engines.vllm import ReplicaProcess, VllmEngine
from lighteval_r1.graders.marks import AUTO, Chosen, choose
from lighteval_r1.outside import variables
from lighteval_r1.outside.words import one_line, tell
from lighteval_r1.records import Settings, UserError, in_words, sha256

# Samples that a replica runs at once, where the user gives none; on a GPU its KV cache says it.
MAX_NUM_SEQS = {"gpu": None, "cpu": 64}


class R1Config(VLLMModelConfig):
    """LightEval's configuration with what ours adds to the results."""

    lighteval_r1: dict = {}


def make_engine(
    config: VLLMModelConfig,
    *,
    identity: ModelIdentity,
    processes: list[ReplicaProcess],
    section: ModelSection = NOTHING,
) -> VllmEngine:
    """The engine that MODEL_ARGS describe. UserError for what cannot run, before any weight is read."""
    from transformers import AutoConfig, AutoTokenizer

    layout = layout_of(config.model_dump())
    source = {"revision": config.revision, "trust_remote_code": config.trust_remote_code}
    try:
        model_config = AutoConfig.from_pretrained(config.model_name, **source)
        tokenizer = AutoTokenizer.from_pretrained(config.tokenizer or config.model_name, **source)
    except Exception as error:  # files of others: each of their faults is another exception of transformers
        if "custom code" in str(error):
            raise UserError(
                f"{config.model_name} brings code of its own, which is not run unless you say so: --vllm "
                "trust_remote_code=true, or trust_remote_code: true in a recipe's model_parameters."
            ) from None
        raise UserError(f"cannot read model {config.model_name}: {one_line(error, longest=300)}") from None
    check_split(
        model_config,
        tensor_parallel_size=config.tensor_parallel_size,
        pipeline_parallel_size=config.pipeline_parallel_size,
    )
    said = config.override_chat_template
    templated = tokenizer.chat_template is not None if said is None else said
    if templated and tokenizer.chat_template is None:
        raise UserError(f"override_chat_template=true, but {config.model_name} has no chat template.")
    adapter = section.adapter(config.model_name, parameters=config.model_dump()) if section.lora else None
    template = str(tokenizer.chat_template) if templated else None
    chosen, section = with_parser(section, model_config, tokenizer, template=template or "")
    settings = settings_of(config, section, identity=identity, template=template, adapter=adapter)
    max_num_seqs = config.max_num_seqs if "max_num_seqs" in config.model_fields_set else MAX_NUM_SEQS[layout.device]
    engine = VllmEngine(
        settings=settings,
        layout=layout,
        engine_args=engine_args(config, section, layout=layout, max_num_seqs=max_num_seqs, adapter=adapter),
        lora=str(adapter.folder) if adapter else "",
        tokenizer=tokenizer,
        templated=templated,
        max_num_seqs=max_num_seqs,
        chosen=chosen,
        processes=processes,
    )
    check_prompt(engine, model=config.model_name)
    return engine


def with_parser(
    section: ModelSection, model_config: object, tokenizer: Any, *, template: str
) -> tuple[Chosen, ModelSection]:
    """Whose marks tell thinking from answer; and the section, where a budget needs it, with vLLM's name for them."""
    chosen = choose(
        section.reasoning_parser or AUTO,
        model_type=str(getattr(model_config, "model_type", "")),
        template=template,
        vocabulary=frozenset(tokenizer.get_vocab()),
    )
    if section.thinking_budget is None:
        return chosen, section
    if "reasoning_config" in section.vllm:
        # the user's own marks; vLLM takes them or a parser's
        return chosen, replace(section, reasoning_parser="")
    if not chosen.marks:
        raise no_marks(section.thinking_budget)
    return chosen, replace(section, reasoning_parser=chosen.parser)


def check_prompt(engine: VllmEngine, *, model: str) -> None:
    """Says aloud which template arguments change nothing. UserError where the template takes none, or not these."""
    given = engine.settings.template_kwargs
    if not given:
        return
    if not engine.templated:
        raise UserError(f"{model} is asked without a chat template, so nothing can be said to it ({', '.join(given)}).")
    from lighteval_r1.engines.sanity import without_effect

    for name in without_effect(engine):
        tell(f"The template argument {name}={given[name]!r} changes nothing in the prompt.")


def settings_of(
    config: VLLMModelConfig,
    section: ModelSection,
    *,
    identity: ModelIdentity,
    template: str | None,
    adapter: Adapter | None,
) -> Settings:
    given, makers = config.generation_parameters, makers_words(config, section)
    explicit = given.model_dump(exclude_unset=True, exclude_none=True)
    sampling = {"temperature": TEMPERATURE, "top_p": TOP_P, "top_k": 0} | makers | explicit
    names = ("min_p", "repetition_penalty", "frequency_penalty", "presence_penalty", "min_new_tokens", "stop_tokens")
    vllm_names = {"min_new_tokens": "min_tokens", "stop_tokens": "stop"}
    extra = {vllm_names.get(name, name): sampling[name] for name in names if name in sampling}
    extra |= loops(section.end_loops) if section.end_loops else {}
    engine = changing_draws(section.vllm) if section.vllm else {}
    if section.thinking_budget is not None and section.reasoning_parser:
        # of a budget the parser is a part: its marks are what vLLM ends the thought with
        engine["reasoning_parser"] = section.reasoning_parser
    if adapter:
        engine["lora"] = adapter.digest
    return Settings(
        model=identity.name,
        revision=identity.revision,
        system_prompt=config.system_prompt,
        chat_template=sha256(template) if template else "",
        temperature=sampling["temperature"],
        top_p=sampling["top_p"],
        top_k=sampling["top_k"],
        max_tokens=given.max_new_tokens or MAX_TOKENS,
        seed=config.seed if given.seed is None else given.seed,
        max_model_length=config.max_model_length,
        dtype=config.dtype,
        quantization=config.quantization,
        extra=extra,
        template_args=section.template_args,
        effort=section.effort,
        thinking_budget=section.thinking_budget,
        engine_args=engine,
    )


def makers_words(config: VLLMModelConfig, section: ModelSection) -> dict:
    """The sampling of the model's generation_config.json where it was asked for, else {}; aloud what it says."""
    makers = makers_sampling(config.model_name, revision=config.revision)
    file = f"generation_config.json of {config.model_name}"
    if section.generation_config:
        tell(f"{file} says {in_words(makers)}.")
        return makers
    given = config.generation_parameters.model_dump(exclude_unset=True, exclude_none=True)
    usual = {"temperature": TEMPERATURE, "top_p": TOP_P, "top_k": 0, "min_p": 0, "repetition_penalty": 1}
    left = {name: value for name, value in makers.items() if name not in given and value != usual[name]}
    if left:
        tell(f"{file} says {in_words(left)}, which is not used; --generation-config uses it.")
    return {}


def engine_args(
    config: VLLMModelConfig,
    section: ModelSection,
    *,
    layout: Layout,
    max_num_seqs: int | None,
    adapter: Adapter | None,
) -> dict:
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
    if section.thinking_budget is not None:
        args["reasoning_parser"] = section.reasoning_parser or None
    if adapter:
        args |= adapter.engine_args
    return {name: value for name, value in args.items() if value is not None} | section.vllm


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
