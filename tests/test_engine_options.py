"""vLLM's own arguments: known by the source that is installed, refused before anything is loaded, in the identity where they
change what is drawn. LoRA adapters, what a model's maker says of sampling, how many replies are drawn at once."""

import dataclasses
import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

from lighteval_r1.cli.evaluate import DEMO_MODEL, EvaluateOptions, model_parameters, model_section
from lighteval_r1.cli.submit import SubmitOptions, submission_of
from lighteval_r1.engines import engine_options
from lighteval_r1.engines.adapters import read_adapter
from lighteval_r1.engines.engine_options import changing_draws, check_engine_options, types_known
from lighteval_r1.engines.layouts import Layout
from lighteval_r1.engines.model_files import check_weights, makers_sampling
from lighteval_r1.engines.model_section import ModelSection
from lighteval_r1.engines.model_sizes import expected_tokens
from lighteval_r1.engines.replica import keep_cache_small
from lighteval_r1.engines.vllm import VllmEngine
from lighteval_r1.records import Settings, UserError
from lighteval_r1.slurm.jobs import prepare

SETTINGS = Settings("m", "r", None, "t", temperature=0.6, top_p=0.95, top_k=0, max_tokens=32768, seed=1)


# ---- names and types ------------------------------------------------------------------------------------------------------


def test_the_names_are_those_of_the_installed_vllm(monkeypatch):
    monkeypatch.setenv("VLLM_TARGET_DEVICE", "cpu")
    # its process has vLLM in it for test_marks.py
    from vllm import AsyncEngineArgs

    real = {field.name for field in dataclasses.fields(AsyncEngineArgs)}
    # the server's own field is not of the engine
    assert set(types_known()) <= real and len(real - set(types_known())) <= 1
    assert real >= engine_options.CHANGE_DRAWS and set(engine_options.DECIDED) <= real
    assert set(engine_options.IN_PARAMETERS) <= real


def test_no_vllm_is_imported_to_know_them():
    code = "from lighteval_r1.engines.engine_options import types_known; import sys; types_known(); print('vllm' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "False"


@pytest.mark.parametrize(
    "said",
    [
        {"kv_cache_dtype": "fp8"}, {"hf_overrides": {"rope_scaling": {"rope_type": "yarn", "factor": 4.0}}},
        {"speculative_config": {"method": "ngram", "num_speculative_tokens": 3}}, {"performance_mode": "throughput"},
        {"attention_backend": "flash_attn"}, {"attention_backend": "TRITON_ATTN"}, {"block_size": None}, {"cpu_offload_gb": 4},
        {"max_lora_rank": 64}, {"enable_expert_parallel": True}, {"logits_processors": ["a.b"]}, {"async_scheduling": False},
    ],
)  # fmt: skip
def test_what_vllm_takes_passes(said):
    check_engine_options(said)


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"kv_cache_dtyp": "fp8"}, "vLLM has no argument kv_cache_dtyp. Did you mean kv_cache_dtype"),
        (
            {"kv_cache_dtype": "fp9"},
            "kv_cache_dtype='fp9' is not what vLLM takes. Did you mean fp8.* It takes auto, float16",
        ),
        ({"attention_backend": "FLASH_ATN"}, "Did you mean FLASH_ATTN?"),
        ({"enable_chunked_prefill": "yes"}, "is not what vLLM takes. It takes bool"),
        ({"block_size": True}, "block_size=True is not"),
        ({"max_lora_rank": 3}, "It takes 1, 8, 16"),
        ({"max_model_len": 3}, "belongs under model_parameters, as max_model_length"),
        ({"model": "x"}, "model is the run's. Say MODEL="),
        ({"reasoning_parser": "x"}, "Say --reasoning-parser"),
        ({"_api_process_count": 2}, "has no argument _api"),
    ],
)
def test_what_vllm_does_not_take_is_refused_at_once(said, message, main, tmp_path):
    with pytest.raises(UserError, match=message):
        check_engine_options(said)
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(
        yaml.safe_dump({"model_parameters": {"model_name": str(DEMO_MODEL)}, "lighteval_r1": {"vllm": said}})
    )
    code, printed, refused = main(
        "evaluate", "--model", recipe, "--task", "demo_sums", "--output-dir", tmp_path / "out"
    )
    assert (code, printed, refused.count("\n")) == (2, "", 1) and not (tmp_path / "out").exists()


def test_without_vllm_nothing_is_known_and_nothing_refused(monkeypatch):
    monkeypatch.setattr(engine_options, "types_known", dict)
    check_engine_options({"kv_cache_dtyp": "fp8"})


def test_what_lighteval_has_a_name_for_stands_there():
    options = EvaluateOptions(
        model="m", vllm=["max-model-len=4096", "dtype=float16", "kv_cache_dtype=fp8", '{"block_size": 32}']
    )
    assert model_parameters(options) == {"model_name": "m", "max_model_length": 4096, "dtype": "float16"}
    assert model_section(options).vllm == {"kv_cache_dtype": "fp8", "block_size": 32}


def test_those_that_change_draws_are_in_the_identity_and_at_their_default_not():
    said = {
        "kv_cache_dtype": "fp8",
        "attention_backend": "FLASH_ATTN",
        "performance_mode": "throughput",
        "hf_overrides": {},
    }
    assert changing_draws(said) == {"kv_cache_dtype": "fp8"}
    assert changing_draws({"kv_cache_dtype": "auto", "disable_sliding_window": False}) == {}


def test_gguf_is_one_line(tmp_path):
    (tmp_path / "model.gguf").touch()
    for model, parameters in (
        (str(tmp_path), {}),
        ("a/b.gguf", {}),
        ("m", {"load_format": "gguf"}),
        ("m", {"quantization": "gguf"}),
    ):
        with pytest.raises(UserError, match="no loader for GGUF files"):
            check_weights(model, parameters)
    (tmp_path / "model.safetensors").write_bytes((2).to_bytes(8, "little") + b"{}")
    check_weights(str(tmp_path), {})


def test_a_job_that_serves_says_them_to_the_server(tmp_path):
    options = SubmitOptions(
        model=str(DEMO_MODEL), job_folder=str(tmp_path / "job"), tensor_parallel="1", serve=True, lora="some/adapter",
        vllm=["kv_cache_dtype=fp8", "enable_expert_parallel=true", "async_scheduling=false"],
        template_args=["enable_thinking=false"], reasoning_parser="qwen3",
    )  # fmt: skip
    (job,) = prepare(submission_of(options))
    arguments = (job.folder / "serve.args").read_text().split("\0")
    said = " ".join(arguments[arguments.index("--kv-cache-dtype") :])
    assert said.startswith(
        "--kv-cache-dtype fp8 --enable-expert-parallel --no-async-scheduling "
        '--default-chat-template-kwargs {"enable_thinking": false} --reasoning-parser qwen3 '
        "--enable-lora --lora-modules adapter=some/adapter"
    )


# ---- LoRA -----------------------------------------------------------------------------------------------------------------


def write_adapter(
    folder: Path, *, base: str = "model", width: int = 128, layers: int = 4, rank: int = 4, scale: float = 0.5
) -> str:
    """An adapter of the demo's shape, of random numbers; large ones change every reply."""
    import torch
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    tensors = {}
    for layer in range(layers):
        for name, out in (("q_proj", 128), ("v_proj", 64)):
            module = f"base_model.model.model.layers.{layer}.self_attn.{name}"
            tensors[f"{module}.lora_A.weight"] = torch.randn(rank, width) * scale
            tensors[f"{module}.lora_B.weight"] = torch.randn(out, rank) * scale
    save_file(tensors, folder / "adapter_model.safetensors")
    config = {"peft_type": "LORA", "r": rank, "lora_alpha": 2 * rank, "target_modules": ["q_proj", "v_proj"]}
    (folder / "adapter_config.json").write_text(json.dumps(config | {"base_model_name_or_path": base}))
    return str(folder)


def adapter_of(folder: str, model: str = str(DEMO_MODEL)):
    return read_adapter(folder, model=model, revision="main")


def test_an_adapter_is_known_by_its_content(tmp_path):
    a, b, other = (
        adapter_of(write_adapter(tmp_path / name, scale=scale)) for name, scale in (("a", 1), ("b", 1), ("c", 2))
    )
    assert a.digest == b.digest != other.digest
    assert a.engine_args == {"enable_lora": True, "max_loras": 1, "max_lora_rank": 8}
    assert adapter_of(write_adapter(tmp_path / "wide", rank=40)).engine_args["max_lora_rank"] == 64


@pytest.mark.parametrize(
    ("made", "model", "message"),
    [
        ({"width": 96}, str(DEMO_MODEL), "is for a width of 96; .* has 128"),
        ({"layers": 5}, str(DEMO_MODEL), "has a layer 4; .* has 4 layers"),
        ({"base": "Qwen/Qwen3-8B"}, "Qwen/Qwen3-8B-Base", "was made for Qwen/Qwen3-8B, not for Qwen/Qwen3-8B-Base"),
    ],
)
def test_an_adapter_of_another_model_is_refused(made, model, message, tmp_path):
    folder = write_adapter(tmp_path / "adapter", **made)
    with pytest.raises(UserError, match=message):
        ModelSection(lora=folder).check(model, parameters={})


def test_what_is_no_adapter_is_refused(tmp_path, main):
    code, _, refused = main("evaluate", "--lora", tmp_path, "--output-dir", tmp_path / "out")
    assert code == 2 and f"{tmp_path} is no LoRA adapter: it needs adapter_config.json" in refused
    with pytest.raises(UserError, match="there is no adapter ./nowhere"):
        adapter_of("./nowhere")
    (tmp_path / "adapter_model.safetensors").touch()
    (tmp_path / "adapter_config.json").write_text("{}")
    with pytest.raises(UserError, match="missing required field `r`"):
        adapter_of(str(tmp_path))


# ---- the maker's sampling -------------------------------------------------------------------------------------------------


def test_a_makers_sampling_is_read_off_its_file(tmp_path):
    file = tmp_path / "generation_config.json"
    says = {"do_sample": True, "temperature": 0.6, "top_p": 0.95, "top_k": 20, "eos_token_id": 3}
    file.write_text(json.dumps(says))
    assert makers_sampling(str(tmp_path), revision="main") == {"temperature": 0.6, "top_p": 0.95, "top_k": 20}
    file.write_text(json.dumps(says | {"do_sample": False}))
    assert makers_sampling(str(tmp_path), revision="main") == {}
    assert makers_sampling(str(DEMO_MODEL), revision="main") == {}


# ---- how many at once -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kv_tokens", "most", "room"),
    # by hand: 32,768 / 4 + 512 = 8,704 tokens; 2,176,000 / 8,704 = 250
    [(2_176_000, 1024, 250), (2_176_000, 128, 128), (1000, 1024, 1), (None, 256, 256)],
)
def test_as_many_replies_at_once_as_the_cache_holds(kv_tokens, most, room, capsys):
    assert expected_tokens(32768) == 8704
    engine = VllmEngine(SETTINGS, Layout("gpu", replicas=2), {}, tokenizer=None, templated=True, max_num_seqs=None)
    engine.facts = {"max_model_len": 40960, "max_num_seqs": most, "kv_tokens": kv_tokens}
    assert engine._room() == room
    said = capsys.readouterr().err
    assert (f"holds {kv_tokens:,} tokens: {room} replies at once, of 8,704" in said) if kv_tokens else not said


def test_every_option_of_vllm_alone_is_one_of_the_section():
    options = EvaluateOptions(lora="a", generation_config=True, vllm=["block_size=16"])
    assert options.section == ModelSection(lora="a", generation_config=True, vllm={"block_size": 16})
    assert {"vllm", "lora", "generation_config"} <= {field.name for field in dataclasses.fields(SubmitOptions)}


@pytest.mark.parametrize(
    ("given", "hybrid", "kept"),
    # 17 contexts of 1,024 tokens, of 512 float32 numbers each: 34 MiB, twice
    [(2**30, False, 68 * 2**20), (2**20, False, 2**20), (2**30, True, 2**30), (None, False, None)],
)
def test_a_cache_on_a_cpu_is_no_larger_than_its_requests_can_fill(given, hybrid, kept):
    model = SimpleNamespace(
        is_hybrid=hybrid, max_model_len=1024, dtype=SimpleNamespace(itemsize=4),
        get_num_layers=lambda parallel: 4, get_num_kv_heads=lambda parallel: 2, get_head_size=lambda: 32,
    )  # fmt: skip
    cache, scheduler = SimpleNamespace(kv_cache_memory_bytes=given), SimpleNamespace(max_num_seqs=16)
    keep_cache_small(
        SimpleNamespace(model_config=model, parallel_config=None, cache_config=cache, scheduler_config=scheduler)
    )
    assert cache.kv_cache_memory_bytes == kept
