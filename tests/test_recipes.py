"""The recipes that are shipped: each says where its values stand, and nothing that vLLM would not take."""

import ast
import importlib.util
from pathlib import Path

import pytest

from lighteval_r1.cli.evaluate import EvaluateOptions, model_parameters, model_section
from lighteval_r1.cli.recipes import recipe_path, shipped_recipes
from lighteval_r1.engines.engine_options import check_engine_options
from lighteval_r1.engines.model_sizes import named_bytes

RECIPES = shipped_recipes()
# GB of weights where the name does not say them, or they are not stored as two bytes each. Source: the makers' pages that
# the recipes name.
WEIGHTS_GB = {
    "GLM-4.5-Air": 212, "MiniMax-M2": 230, "Kimi-K2.5": 595, "DeepSeek-V3.1": 689, "Hunyuan-A13B-Instruct": 160,
    "gpt-oss-20b": 16, "gpt-oss-120b": 65, "Magistral-Small-2506": 48, "Phi-4-reasoning-plus": 29.4,
}  # fmt: skip
GPU_GB = {"Kimi-K2.5": 141, "DeepSeek-V3.1": 141}


def parsers() -> set[str]:
    """vLLM's names for the marks of thinking, from its source."""
    home = Path(importlib.util.find_spec("vllm").submodule_search_locations[0])
    module = ast.parse((home / "reasoning" / "__init__.py").read_text())
    (table,) = (
        node.value
        for node in module.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "_REASONING_PARSERS_TO_REGISTER"
    )
    return {key.value for key in table.keys}


def test_most_are_confirmed_and_each_names_its_source():
    assert len(RECIPES) == 28 and sum(not recipe.section.confirmed for recipe in RECIPES) == 5
    assert all(recipe.section.source.startswith("https://") for recipe in RECIPES)
    assert {"R1-Distill", "QwQ", "Qwen3", "SmolLM3", "GLM", "Kimi", "gpt-oss", "Nemotron", "EXAONE", "Seed-OSS"} == {
        family
        for family in (
            "R1-Distill",
            "QwQ",
            "Qwen3",
            "SmolLM3",
            "GLM",
            "Kimi",
            "gpt-oss",
            "Nemotron",
            "EXAONE",
            "Seed-OSS",
        )
        if any(family in recipe.path.stem and recipe.section.confirmed for recipe in RECIPES)
    }


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.path.stem)
def test_vllm_would_take_it_and_its_layout_holds_the_weights(recipe):
    check_engine_options(recipe.section.vllm)
    assert recipe.section.reasoning_parser in parsers() | {""}
    name, parameters = recipe.path.stem, recipe.parameters
    assert parameters["tensor_parallel_size"] * parameters["data_parallel_size"] == 8
    weights = WEIGHTS_GB.get(name) or named_bytes(parameters["model_name"]) / 1e9
    # room for at least one long reply beside them
    assert weights < 0.8 * GPU_GB.get(name, 80) * parameters["tensor_parallel_size"]


def test_the_list_says_mode_sampling_source_and_what_was_published(main):
    code, printed, _ = main("recipes")
    assert code == 0 and printed.count("(MODEL=") == len(RECIPES) and printed.count("NOT CONFIRMED") == 5
    code, printed, _ = main("recipes", "exaone", "qwen3-8b")
    lines = [line.split(maxsplit=1) for line in printed.splitlines()]
    assert code == 0 and printed.count("(MODEL=") == 2
    assert ["told", "enable_thinking=true"] in lines
    assert any(name == "published" and words.startswith("aime25 85.3 (LG AI Research), ") for name, words in lines)
    assert ["sampling", "its generation_config.json, max_new_tokens=32768"] in lines
    assert ["layout", "4 x 2 GPUs"] in lines


def test_a_shipped_recipe_is_found_from_anywhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for named in ("recipes/EXAONE-4.0-32B.yaml", "EXAONE-4.0-32B.yaml"):
        options = EvaluateOptions(model=named)
        assert model_parameters(options)["model_name"] == "LGAI-EXAONE/EXAONE-4.0-32B"
        assert model_section(options).template_args == {"enable_thinking": True}
    for absent in ("elsewhere/recipes/EXAONE-4.0-32B.yaml", "/recipes/EXAONE-4.0-32B.yaml", "recipes/None.yaml"):
        assert recipe_path(absent) == Path(absent)
