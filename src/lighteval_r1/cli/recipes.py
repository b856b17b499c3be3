"""`lighteval-r1 recipes`: the models that can be measured as their makers run them, and what was published of each."""

import difflib
from dataclasses import dataclass
from pathlib import Path

import yaml

from lighteval_r1.cli.options import argument
from lighteval_r1.engines.model_section import SECTION, ModelSection
from lighteval_r1.numbers.baselines import Baseline, benchmarks, of_model, read_baselines
from lighteval_r1.outside.shipped import shipped
from lighteval_r1.outside.words import say
from lighteval_r1.records import UserError, in_words

# MODEL=recipe:QwQ-32B is a recipe that came with the installation.
SHIPPED = "recipe:"


@dataclass(frozen=True, kw_only=True)
class RecipesOptions:
    models: list[str] = argument("Only those whose name or model holds one of these words.", default=[])


@dataclass(frozen=True)
class Recipe:
    """A recipe's file with LightEval's parameters and our section."""

    path: Path
    parameters: dict
    section: ModelSection

    @classmethod
    def of(cls, path: Path) -> "Recipe":
        recipe = yaml.safe_load(path.read_text(encoding="utf-8"))
        return cls(path, recipe["model_parameters"], ModelSection.of(recipe.get(SECTION), where=f"{path}, {SECTION}"))

    @property
    def lines(self) -> list[str]:
        """Layout and mode, sampling, source; each in words."""
        parameters, section = self.parameters, self.section
        layout = f"{parameters['data_parallel_size']} x {parameters['tensor_parallel_size']} GPUs"
        mode = section.template_args | ({"parser": section.reasoning_parser} if section.reasoning_parser else {})
        sampling = dict(parameters["generation_parameters"])
        file = "its generation_config.json, " if section.generation_config else ""
        return [
            f"layout     {layout}",
            *([f"told       {in_words(mode)}"] if mode else []),
            *([f"vLLM       {in_words(section.vllm)}"] if section.vllm else []),
            f"sampling   {file}{in_words(sampling)}",
            f"source     {section.source}{'' if section.confirmed else '  NOT CONFIRMED: it could not be opened'}",
        ]


def shipped_recipes() -> list[Recipe]:
    paths = sorted(shipped("recipes").glob("*.yaml"), key=lambda path: path.name.lower())
    return [Recipe.of(path) for path in paths]


def is_recipe(model: str) -> bool:
    return model.startswith(SHIPPED) or model.endswith((".yaml", ".yml"))


def recipe_path(named: str) -> Path:
    """A recipe's file. From anywhere, one that came with the installation: recipe:QwQ-32B or recipes/QwQ-32B.yaml.

    UserError where none of that name came with it.
    """
    if named.startswith(SHIPPED):
        return named_recipe(named.removeprefix(SHIPPED).removesuffix(".yaml"))
    path = Path(named)
    if path.exists() or path.parent.name not in ("", "recipes") or len(path.parts) > 2:
        return path
    ours = shipped("recipes") / path.name
    return ours if ours.is_file() else path


def named_recipe(name: str) -> Path:
    paths = {path.stem.lower(): path for path in shipped("recipes").glob("*.yaml")}
    if name.lower() not in paths:
        near = difflib.get_close_matches(name.lower(), paths, n=3, cutoff=0.0)
        raise UserError(
            f"there is no recipe {name!r}. Nearest: {', '.join(paths[known].stem for known in near)}. "
            "`lighteval-r1 recipes` lists them."
        )
    return paths[name.lower()]


def recipes_command(options: RecipesOptions) -> None:
    """List the recipes and what was published of their models. Also layout, mode, sampling, and where these stand."""
    rows, shown = read_baselines(), 0
    words = [word.lower() for word in options.models]
    for recipe in shipped_recipes():
        model = str(recipe.parameters["model_name"])
        if words and not any(word in f"{recipe.path.stem} {model}".lower() for word in words):
            continue
        shown += 1
        say(f"{model}  (MODEL={SHIPPED}{recipe.path.stem})")
        for line in [*recipe.lines, *published(of_model(model, rows))]:
            say(f"    {line}")
    if not shown:
        raise UserError(f"no recipe is named like {' or '.join(options.models)}; without a word all are listed.")


def published(rows: list[Baseline]) -> list[str]:
    """The first number of each benchmark that is over all of its problems."""
    firsts: dict[str, Baseline] = {}
    for row in rows:
        if row.task in benchmarks() and not row.group and row.estimator == "mean":
            firsts.setdefault(row.task, row)
    words = [
        f"{row.task} {100 * row.value:.1f} ({row.by}{'' if row.confirmed else ', not confirmed'})"
        for row in firsts.values()
    ]
    return [f"published  {', '.join(words)}"] if words else []
