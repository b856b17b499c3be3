"""`lighteval-r1 recipes`: the models that can be measured as their makers run them, and what was published of each."""

from dataclasses import dataclass
from pathlib import Path

import yaml

from lighteval_r1.cli.options import argument
from lighteval_r1.engines.model_section import SECTION, ModelSection
from lighteval_r1.numbers.baselines import Baseline, benchmarks, of_model, read_baselines
from lighteval_r1.outside.words import say
from lighteval_r1.records import UserError, in_words

# In a clone, and in a wheel.
FOLDERS = (Path(__file__).parents[3] / "recipes", Path(__file__).parents[1] / "recipes")


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
    """UserError where none came with the installation."""
    folder = next((folder for folder in FOLDERS if any(folder.glob("*.yaml"))), None)
    if folder is None:
        raise UserError(f"no recipes came with this installation (looked in {', '.join(map(str, FOLDERS))}).")
    return [Recipe.of(path) for path in sorted(folder.glob("*.yaml"), key=lambda path: path.name.lower())]


def recipe_path(named: str) -> Path:
    """A recipe as it is named; one that came with the installation is found from anywhere: recipes/QwQ-32B.yaml."""
    path = Path(named)
    if path.exists() or path.parent.name not in ("", "recipes") or len(path.parts) > 2:
        return path
    return next((folder / path.name for folder in FOLDERS if (folder / path.name).is_file()), path)


def recipes_command(options: RecipesOptions) -> None:
    """List the recipes: layout, mode, sampling, where its values stand, and what was published of the model."""
    rows = read_baselines()
    for recipe in shipped_recipes():
        model = str(recipe.parameters["model_name"])
        words = [word.lower() for word in options.models]
        if words and not any(word in f"{recipe.path.stem} {model}".lower() for word in words):
            continue
        say(f"{model}  (MODEL=recipes/{recipe.path.name})")
        for line in [*recipe.lines, *published(of_model(model, rows))]:
            say(f"    {line}")


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
