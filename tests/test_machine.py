"""Which GPUs and cores a replica gets, and how many replicas of a model a machine holds; worked without any GPU."""

import json
import os
import re
from pathlib import Path

import pytest
import yaml

from lighteval_r1.cli.evaluate import DEMO_MODEL, EvaluateOptions, layout_parameters, model_parameters
from lighteval_r1.cli.submit import SubmitOptions, cluster_layout
from lighteval_r1.engines import machine
from lighteval_r1.engines.layouts import Layout
from lighteval_r1.engines.model_sizes import ModelSize, automatic, model_size
from lighteval_r1.records import UserError
from lighteval_r1.slurm.jobs import Cluster

RECIPES = Path(__file__).resolve().parents[1] / "recipes"
# GB of the weights as they are stored, layers, attention heads, heads of the KV cache, width of the model. Sources: the
# models' config.json and model.safetensors.index.json on the Hub.
MODELS = {
    "deepseek-ai/DeepSeek-R1-Distill-Qwen-1.5B": (3.55, 28, 12, 2, 1536),
    "deepseek-ai/DeepSeek-R1-Distill-Qwen-7B": (15.23, 28, 28, 4, 3584),
    "deepseek-ai/DeepSeek-R1-Distill-Llama-8B": (16.06, 32, 32, 8, 4096),
    "deepseek-ai/DeepSeek-R1-Distill-Qwen-14B": (29.54, 48, 40, 8, 5120),
    "deepseek-ai/DeepSeek-R1-Distill-Qwen-32B": (65.53, 64, 40, 8, 5120),
    "Qwen/QwQ-32B": (65.53, 64, 40, 8, 5120),
    "deepseek-ai/DeepSeek-R1-Distill-Llama-70B": (141.11, 80, 64, 8, 8192),
}
# KV bytes a token, as they were measured in vLLM.
KV_BYTES = {"1.5B": 28_672, "Qwen-7B": 57_344, "Llama-8B": 131_072, "14B": 196_608, "QwQ-32B": 262_144}
# (replicas, GPUs a replica) on eight GPUs of 24, 40 and 80 GB
LAYOUTS = {
    "deepseek-ai/DeepSeek-R1-Distill-Qwen-1.5B": [(8, 1), (8, 1), (8, 1)],
    "deepseek-ai/DeepSeek-R1-Distill-Qwen-7B": [(4, 2), (8, 1), (8, 1)],
    "deepseek-ai/DeepSeek-R1-Distill-Llama-8B": [(4, 2), (8, 1), (8, 1)],
    "deepseek-ai/DeepSeek-R1-Distill-Qwen-14B": [(2, 4), (4, 2), (8, 1)],
    "deepseek-ai/DeepSeek-R1-Distill-Qwen-32B": [(1, 8), (2, 4), (4, 2)],
    "Qwen/QwQ-32B": [(1, 8), (2, 4), (4, 2)],
    "deepseek-ai/DeepSeek-R1-Distill-Llama-70B": [(1, 8), (1, 8), (2, 4)],
}


def write_model(folder: Path, *, gigabytes: float, layers: int = 0, heads: int = 0, kv_heads: int = 0, width: int = 0):
    """A model of which there are only the files that tell its size."""
    folder.mkdir(parents=True, exist_ok=True)
    config = {"num_hidden_layers": layers, "num_attention_heads": heads, "hidden_size": width}
    config |= {"num_key_value_heads": kv_heads, "max_position_embeddings": 131072}
    (folder / "config.json").write_text(json.dumps(config if heads else {}))
    index = {"metadata": {"total_size": gigabytes * 1e9}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    return str(folder)


def known_model(folder: Path, name: str) -> str:
    gigabytes, layers, heads, kv_heads, width = MODELS[name]
    return write_model(folder, gigabytes=gigabytes, layers=layers, heads=heads, kv_heads=kv_heads, width=width)


@pytest.fixture
def gpus(tmp_path, monkeypatch):
    """gpus(8, mib=81559): a driver that shows so many GPUs; returns their memory in GB."""
    folder = tmp_path / "driver"
    folder.mkdir()
    (folder / "nvidia-smi").write_text(f'#!/bin/sh\nexec cat -- "{folder}/$1"\n')
    (folder / "nvidia-smi").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setenv("LIGHTEVAL_R1_DEVICE", "gpu")

    def shows(n: int, *, mib: int = 81_559, used: list[int] | None = None) -> float:
        machine.gpu_names.cache_clear()
        for query, values in {
            "name": ["NVIDIA Thing"] * n,
            "memory.total": [mib] * n,
            "index,memory.used": [f"{index}, {there}" for index, there in enumerate(used or [0] * n)],
        }.items():
            (folder / f"--query-gpu={query}").write_text("".join(f"{value}\n" for value in values))
        return mib * 2**20 / 1e9

    shows.folder = folder
    yield shows
    machine.gpu_names.cache_clear()


# ---- a layout for a model ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(MODELS))
def test_a_known_models_recipe_has_room_for_its_weights_and_long_replies(name, tmp_path):
    recipe = RECIPES / f"{name.partition('/')[2]}.yaml"
    parameters = yaml.safe_load(recipe.read_text())["model_parameters"]
    assert parameters["model_name"] == name
    parameters["model_name"] = known_model(tmp_path, name)
    found = [automatic(parameters, n_gpus=8, gpu_memory_gb=memory) for memory in (24, 40, 80)]
    assert [(layout.replicas, layout.tensor) for layout in found] == LAYOUTS[name]
    assert_says(recipe, LAYOUTS[name])
    kv_bytes = model_size(parameters["model_name"]).kv_token_bytes(1)
    assert all(kv_bytes == known for part, known in KV_BYTES.items() if part in name)
    for layout, memory in zip(found, (24, 40, 80), strict=True):
        # by hand: what 0.9 of the GPUs hold beside the weights, in replies of 34,816 tokens
        left = 0.9 * memory * 1e9 * layout.tensor - MODELS[name][0] * 1e9
        assert left / (34_816 * kv_bytes) >= (4 if layout.replicas > 1 else 1)


def assert_says(recipe: Path, layouts: list[tuple[int, int]]) -> None:
    """Its comment tells what auto makes of eight GPUs of 24, 40 and 80 GB."""
    comment = " ".join(line.lstrip("# ") for line in recipe.read_text().splitlines() if line.startswith("#"))
    told = re.search(r"PARALLEL=auto makes of eight GPUs (.+?)\.", comment)[1]
    said = {}
    for replicas, tensor, sizes in re.findall(r"(\d) x (\d) on (?:GPUs of )?([\d, and]+) GB", told):
        said |= {int(size): (int(replicas), int(tensor)) for size in re.findall(r"\d+", sizes)}
    assert said == dict(zip((24, 40, 80), layouts, strict=True)), told


def test_both_commands_find_the_same_layout(tmp_path, gpus):
    for name in MODELS:
        model = known_model(tmp_path / name.replace("/", "-"), name)
        for n_gpus in (4, 8):
            for mib in (24_564, 40_960, 81_559):
                cluster = Cluster(gpus_per_node=n_gpus, gpu_memory_gb=gpus(n_gpus, mib=mib))
                options, submitted = EvaluateOptions(model=model, parallel="auto"), SubmitOptions(model=model)
                try:
                    layout = cluster_layout(submitted, model_parameters(submitted), cluster=cluster)
                except UserError as error:
                    with pytest.raises(UserError) as refused:
                        layout_parameters(options, model_parameters(options))
                    assert str(refused.value) == str(error)
                else:
                    assert layout_parameters(options, model_parameters(options)) == layout.parameters


def test_qwq_on_eight_gpus_is_four_replicas_of_two(tmp_path, gpus):
    gpus(8)
    options = EvaluateOptions(model=known_model(tmp_path / "qwq", "Qwen/QwQ-32B"), parallel="auto")
    found = layout_parameters(options, model_parameters(options))
    assert (found["data_parallel_size"], found["tensor_parallel_size"]) == (4, 2)


@pytest.mark.parametrize(
    ("heads", "kv_heads", "n_gpus", "expected"),
    # seven GPUs are not used where heads are dealt out whole: 28 of 4, of which 7 share no cache
    [(28, 4, 7, (1, 4)), (25, 25, 8, (1, 5)), (40, 8, 6, (1, 4)), (64, 8, 16, (1, 16))],
)
def test_a_replica_gets_a_number_of_gpus_that_divides_its_heads(heads, kv_heads, n_gpus, expected, tmp_path):
    size = {"layers": 64, "heads": heads, "kv_heads": kv_heads, "width": 128 * heads}
    model = write_model(tmp_path, gigabytes=0.55 * 0.9 * 80 * expected[1], **size)
    layout = automatic({"model_name": model, "max_model_length": 8192}, n_gpus=n_gpus, gpu_memory_gb=80)
    assert (layout.replicas, layout.tensor) in [(n_gpus // expected[1], expected[1])]


def test_shorter_replies_need_fewer_gpus(tmp_path):
    model = known_model(tmp_path, "deepseek-ai/DeepSeek-R1-Distill-Llama-8B")
    short = {"generation_parameters": {"max_new_tokens": 2048}}
    found = [automatic({"model_name": model} | more, n_gpus=8, gpu_memory_gb=24).tensor for more in ({}, short)]
    assert found == [2, 1]


def test_a_compressed_cache_is_as_large_on_every_gpu(tmp_path):
    # DeepSeek-R1: 61 layers, one vector of 512 + 64 values a token and layer
    config = {"num_hidden_layers": 61, "num_attention_heads": 128, "kv_lora_rank": 512, "qk_rope_head_dim": 64}
    (tmp_path / "config.json").write_text(json.dumps(config))
    (tmp_path / "model.safetensors").write_bytes(b"1" * 10)
    size = model_size(str(tmp_path))
    assert (size.weight_bytes, size.kv_token_bytes(1), size.kv_token_bytes(8)) == (10, 70_272, 8 * 70_272)


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("deepseek-ai/DeepSeek-R1-Distill-Qwen-1.5B", (8, 1)),
        ("deepseek-ai/DeepSeek-R1-Distill-Qwen-14B", (8, 1)),
        ("Qwen/QwQ-32B", (4, 2)),
        ("deepseek-ai/DeepSeek-R1-Distill-Llama-70B", (2, 4)),
        ("mistralai/Mixtral-8x22B", (1, 8)),
    ],
)
def test_without_files_the_name_says_the_size(model, expected, monkeypatch, tmp_path):
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    layout = automatic({"model_name": model}, n_gpus=8, gpu_memory_gb=80)
    assert (layout.replicas, layout.tensor) == expected


def test_a_small_gpu_makes_a_small_model_large():
    assert automatic({"model_name": "x/y-14B"}, n_gpus=4, gpu_memory_gb=24).tensor == 4
    assert model_size("Qwen/Qwen3-0.6B") == ModelSize(1.2e9)
    demo = model_size(str(DEMO_MODEL))
    assert demo.weight_bytes < 8e6 and demo.heads == 4


def test_a_model_that_no_layout_holds_is_refused(tmp_path):
    model = write_model(tmp_path, gigabytes=1300, layers=61, heads=128, kv_heads=8, width=7168)
    with pytest.raises(UserError, match=r"1300 GB of weights, which 8 GPUs of 80 GB do not hold.*--nodes 3"):
        automatic({"model_name": model}, n_gpus=8, gpu_memory_gb=80)
    with pytest.raises(UserError, match="--nodes 2"):
        automatic({"model_name": "meta-llama/Llama-3.1-405B"}, n_gpus=8, gpu_memory_gb=80)
    with pytest.raises(UserError, match="neither files nor name.*--tensor-parallel k"):
        automatic({"model_name": "somebody/thinker"}, n_gpus=8, gpu_memory_gb=80)


def test_several_nodes_make_one_replica_and_a_recipes_own_layout_holds(tmp_path):
    cluster = Cluster()
    options = SubmitOptions(model="meta-llama/Llama-3.1-405B", nodes=2)
    assert cluster_layout(options, model_parameters(options), cluster=cluster) == Layout("gpu", tensor=8, pipeline=2)
    options = SubmitOptions(model=str(RECIPES / "QwQ-32B.yaml"))
    assert cluster_layout(options, model_parameters(options), cluster=cluster) == Layout("gpu", replicas=2, tensor=4)
    options = SubmitOptions(model="somebody/thinker", tensor_parallel="3")
    assert cluster_layout(options, model_parameters(options), cluster=cluster).replicas == 2
    with pytest.raises(UserError, match="--tensor-parallel 9 is neither auto nor a number from 1 to the node's 8 GPUs"):
        cluster_layout(SubmitOptions(model="m", tensor_parallel="9"), {"model_name": "m"}, cluster=cluster)


# ---- what a replica sees -----------------------------------------------------------------------------------------------


def test_every_replica_sees_gpus_of_its_own(monkeypatch):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.delenv("RAY_ADDRESS", raising=False)

    def seen(layout: Layout) -> list[str]:
        return [layout.environment(replica)["CUDA_VISIBLE_DEVICES"] for replica in range(layout.replicas)]

    assert seen(Layout("gpu", replicas=4)) == ["0", "1", "2", "3"]
    assert seen(Layout("gpu", replicas=2, tensor=2)) == ["0,1", "2,3"]
    assert seen(Layout("gpu", replicas=2, tensor=2, pipeline=2)) == ["0,1,2,3", "4,5,6,7"]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "5,3,GPU-9,1")
    assert seen(Layout("gpu", replicas=2, tensor=2)) == ["5,3", "GPU-9,1"]
    monkeypatch.setenv("RAY_ADDRESS", "10.0.0.1:6379")
    assert seen(Layout("gpu", tensor=8, pipeline=2)) == ["5,3,GPU-9,1"], "Ray hands out the GPUs of several nodes"


@pytest.mark.parametrize(
    ("n_cores", "replicas", "tensor", "expected"),
    [
        (9, 2, 1, [[[0, 1, 2, 3]], [[4, 5, 6, 7]]]),
        (8, 2, 2, [[[0], [1]], [[2], [3]]]),
        (4, 3, 1, [[[0]], [[1]], [[2]]]),
        (2, 2, 1, [[[0]], [[1]]]),
        (2, 3, 1, [[[0]], [[1]], [[0]]]),
    ],
)
def test_workers_share_the_cores_and_leave_one(n_cores, replicas, tensor, expected, monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(n_cores)))
    assert Layout("cpu", replicas=replicas, tensor=tensor).shares_of_cores() == expected


def test_a_replica_on_a_cpu_binds_its_threads_and_takes_its_part_of_the_memory(monkeypatch):
    for name in ("VLLM_CPU_KVCACHE_SPACE", "VLLM_CPU_OMP_THREADS_BIND", "OMP_NUM_THREADS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(9)))
    seen = [Layout("cpu", replicas=2).environment(replica) for replica in (0, 1)]
    assert [each["VLLM_CPU_OMP_THREADS_BIND"] for each in seen] == ["0,1,2,3", "4,5,6,7"]
    assert [each["OMP_PLACES"] for each in seen] == ["{0,1,2,3}", "{4,5,6,7}"]
    assert {each["VLLM_CPU_KVCACHE_SPACE"] for each in seen} == {str(max(1, machine.memory_gib() // 8))}


def test_gpus_that_others_use_are_left_to_them(gpus, monkeypatch):
    gpus(4, used=[0, 40_000, 1_023, 1_024])
    assert machine.free_gpus() == ["0", "2"] and machine.n_gpus() == 4
    gpus(2, used=[70_000, 70_000])
    assert machine.free_gpus() == []
    monkeypatch.setenv("LIGHTEVAL_R1_DEVICE", "cpu")
    assert machine.free_gpus() is None
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3, 7,")
    assert machine.n_gpus() == 2


def test_the_smallest_gpu_counts(gpus):
    gpus(2)
    (gpus.folder / "--query-gpu=memory.total").write_text("81559\n40960\n")
    assert machine.gpu_memory_gb() == pytest.approx(42.95, abs=0.01)


@pytest.mark.parametrize(("visible", "replicas", "tensor", "fits"), [("0,1", 2, 1, True), ("0,1", 1, 4, False)])
def test_more_gpus_than_there_are_is_refused(visible, replicas, tensor, fits, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    layout = Layout("gpu", replicas=replicas, tensor=tensor)
    if fits:
        layout.check()
        return
    with pytest.raises(UserError, match="data_parallel_size=1 x 4 per replica asks for 4 devices; there are 2 GPUs"):
        layout.check()
    monkeypatch.setenv("LIGHTEVAL_R1_NODES", "2")
    layout.check()
