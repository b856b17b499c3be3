"""Options in one place: a dataclass for each command, which its command line, files of options, make and jobs read.

A field `max_tokens` is --max-tokens on the command line, "max_tokens" in a file (--options) and MAX_TOKENS= for make.
What a default of "" or None stands for is said in the help; a number that was said counts, 0 too.
"""

import dataclasses
import difflib
import inspect
import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, get_type_hints

import typer

from lighteval_r1.engines import MAX_TOKENS, TEMPERATURE, TOP_P
from lighteval_r1.engines.engine_options import split_options
from lighteval_r1.engines.model_section import ModelSection, check_budget, loops, named_values
from lighteval_r1.graders.marks import AUTO, check_name
from lighteval_r1.numbers.allocation import MOST
from lighteval_r1.outside import variables
from lighteval_r1.records import UserError


def option(default: Any, text: str, *spellings: str, make: str = "", **more: Any) -> Any:
    """A field that is an option. text: its help. spellings, make: its names, where they are not made of the field's."""
    # that a switch is off where it is not said needs no saying
    shown = typer.Option(default, *spellings, help=text, show_default=default is not False, **more)
    return described(shown, make=make)


def argument(text: str, *, default: Any = ..., **more: Any) -> Any:
    """A field that is an argument by its place; without a default it must be said."""
    return described(typer.Argument(default, help=text, **more))


def described(shown: Any, *, make: str = "") -> Any:
    metadata = {"shown": shown, "make": make}
    if shown.default is ...:
        return dataclasses.field(metadata=metadata)
    if isinstance(shown.default, list):
        return dataclasses.field(default_factory=shown.default.copy, metadata=metadata)
    return dataclasses.field(default=shown.default, metadata=metadata)


def make_name(field: dataclasses.Field) -> str:
    return field.metadata["make"] or field.name.upper()


def shown_first(kind: type) -> list[dataclasses.Field]:
    """The fields, the command's own before those that it shares."""
    fields = {field.name: field for field in dataclasses.fields(kind)}
    own = [name for name in inspect.get_annotations(kind) if name in fields]
    return [fields[name] for name in dict.fromkeys([*own, *fields])]


def parameters(kind: type) -> list[inspect.Parameter]:
    """The fields as parameters of a function that typer calls."""
    hints = get_type_hints(kind)
    return [
        inspect.Parameter(
            field.name, inspect.Parameter.KEYWORD_ONLY, default=field.metadata["shown"], annotation=hints[field.name]
        )
        for field in shown_first(kind)
    ]


ALSO_HELP = "Other estimators beside pass@1: pass@8, pass^8, g-pass@16:0.5, mg-pass@16, maj@16, cons@64, avg@16."
PARSER_HELP = "Whose marks tell thinking from answer: none, or a name of vLLM's reasoning parsers (auto)."


@dataclass(frozen=True, kw_only=True)
class OptionsFile:
    """What a command takes besides its own options, where it reads files of them."""

    options: Path | None = option(None, "A JSON file of these options by name; what is said here goes before it.")


@dataclass(frozen=True, kw_only=True)
class MakesWords(OptionsFile):
    words: list[str] = argument("Options as make says them: N=4.", default=[], metavar="NAME=VALUE", hidden=True)


def register(
    app: typer.Typer, name: str, command: Callable[[Any], None], *, besides: type | None = None, hidden: bool = False
) -> None:
    """Makes a function of one dataclass of options a command of the app. besides: OptionsFile or MakesWords."""
    (kind,) = (hint for key, hint in get_type_hints(command).items() if key != "return")

    def call(context: typer.Context, **values: Any) -> None:
        named = options_file(kind, values.pop("options", None)) | options_in_words(kind, values.pop("words", ()))
        given = [name for name in values if context.get_parameter_source(name).name == "COMMANDLINE"]
        command(kind(**named | {name: values[name] for name in given}))

    context = inspect.Parameter("context", inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context)
    call.__signature__ = inspect.Signature([context, *parameters(kind), *(parameters(besides) if besides else ())])
    call.__doc__ = command.__doc__
    app.command(name, hidden=hidden)(call)


def options_file(kind: type, file: Path | None) -> dict:
    """What a file says, by the names of the fields. UserError where it holds something else."""
    if file is None:
        return {}
    hints = {field.name: get_type_hints(kind)[field.name] for field in dataclasses.fields(kind)}
    try:
        values = json.loads(file.read_text(encoding="utf-8"))
        if unknown := set(values) - set(hints):
            raise ValueError(f"there is no option {min(unknown)!r}")
        return {name: typed(value, hints[name], name=name) for name, value in values.items()}
    except OSError as error:
        raise UserError(f"cannot read the options {file}: {error.strerror}.") from None
    except (ValueError, TypeError) as error:
        raise UserError(f"{file} is not a JSON object of options ({error}). It may hold: {', '.join(hints)}.") from None


def options_in_words(kind: type, words: Sequence[str]) -> dict:
    """NAME=value, as make says options; an empty one says nothing. UserError for what is no option."""
    fields, hints = {make_name(field): field.name for field in dataclasses.fields(kind)}, get_type_hints(kind)
    values = {}
    for name, _, text in (word.partition("=") for word in words):
        if name not in fields:
            near = difflib.get_close_matches(name.upper(), fields, n=1, cutoff=0.0)
            raise UserError(f"there is no option {name}=. Nearest: {near[0]}=. All: {', '.join(fields)}.")
        if text:
            try:
                values[fields[name]] = typed(text, hints[fields[name]], name=name)
            except ValueError as error:
                raise UserError(f"{error}.") from None
    return values


def typed(value: object, hint: Any, *, name: str) -> object:
    """A value of a file, or its text, as an option of this type holds it. Raises ValueError."""
    # a third of a second that --help does not need
    from pydantic import TypeAdapter, ValidationError

    if hint == list[str] and isinstance(value, str | dict):
        value = [value if isinstance(value, str) else json.dumps(value)]
    try:
        return TypeAdapter(hint).validate_python(value)
    except ValidationError as error:
        raise ValueError(f"{name}={value}: {error.errors()[0]['msg']}") from None


@dataclass(frozen=True, kw_only=True)
class SamplingOptions:
    """A model, and how replies are drawn from it."""

    model: str = option("", "Hub id, folder, or a recipe (recipe:QwQ-32B, a .yaml).")
    revision: str = option("", "Branch, tag or commit of the model.")
    max_tokens: int | None = option(None, f"Longest reply, in tokens ({MAX_TOKENS}).")
    temperature: float | None = option(None, f"Sampling temperature ({TEMPERATURE}).")
    top_p: float | None = option(None, f"Nucleus sampling ({TOP_P}).")
    seed: int | None = option(None, "Another seed draws other replies.")
    system_prompt_file: str = option("", "A file whose text becomes the system prompt, byte for byte.")
    template_args: list[str] = option(
        [],
        "What the chat template is told: enable_thinking=false, or JSON.",
        "--template-arg",
        "--template-args",
        metavar="NAME=VALUE",
    )
    effort: str = option("", "How hard the model shall think, where its template or server knows that: low.")
    thinking_budget: int | None = option(None, "Tokens after which vLLM ends the thinking.")

    # Whether a command makes a run of each of several efforts.
    takes_several: ClassVar[bool] = False
    reasoning_parser: str = option("", PARSER_HELP, metavar="NAME")
    end_loops: str = option(
        "",
        "vLLM ends a reply that repeats up to SIZE tokens COUNT times in a row, such as 64,16.",
        metavar="SIZE,COUNT",
    )

    def __post_init__(self) -> None:
        """UserError for what nothing can be drawn with."""
        check_name(self.reasoning_parser or AUTO)
        loops(self.end_loops)
        if self.max_tokens is not None and self.max_tokens < 1:
            raise UserError(f"max_tokens {self.max_tokens}: a reply needs at least one token.")
        if self.temperature is not None and not 0 <= self.temperature < math.inf:
            raise UserError(f"temperature {self.temperature}: a number from 0 is needed (DeepSeek recommends 0.6).")
        if self.top_p is not None and not 0 < self.top_p <= 1:
            raise UserError(f"top_p {self.top_p}: a number above 0, up to 1, is needed.")
        check_budget(self.thinking_budget, max_tokens=self.max_tokens)
        if "," in self.effort and not self.takes_several:
            raise UserError(f"effort {self.effort}: one run has one effort; `evaluate` takes several, a run each.")

    @property
    def section(self) -> ModelSection:
        """What these options say beside LightEval's model parameters."""
        return ModelSection(
            template_args=named_values(self.template_args, option="--template-arg"),
            effort=self.effort,
            thinking_budget=self.thinking_budget,
            reasoning_parser=self.reasoning_parser,
            end_loops=self.end_loops,
        )


@dataclass(frozen=True, kw_only=True)
class VllmOptions(SamplingOptions):
    """What only vLLM on our own machines can be told."""

    vllm: list[str] = option(
        [], "An argument of vLLM's: kv_cache_dtype=fp8, hf_overrides={…}, or JSON.", metavar="NAME=VALUE"
    )
    lora: str = option("", "A LoRA adapter for the model: folder or Hub id.")
    generation_config: bool = option(
        False, "Sample as the model's generation_config.json says, where nothing else does."
    )

    @property
    def section(self) -> ModelSection:
        vllm = self.vllm_split[1]
        return replace(super().section, vllm=vllm, lora=self.lora, generation_config=self.generation_config)

    @property
    def vllm_split(self) -> tuple[dict, dict]:
        """Of --vllm what LightEval's model parameters know, and the rest."""
        return split_options(named_values(self.vllm, option="--vllm"))


@dataclass(frozen=True, kw_only=True)
class ProblemOptions:
    """How a file of one's own problems is read (TASK=problems.jsonl)."""

    columns: str = option("", "Of one's own problems: which column holds what.", metavar="question=…,gold=…")
    grader: str = option("", "Of one's own problems: a grader's name, such as choice or real; else by their columns.")
    prompt_file: str = option("", "Of one's own problems: a file whose text, with {problem} in it, is asked.")


@dataclass(frozen=True, kw_only=True)
class TasksByPlace:
    """Tasks by their place, and as `evaluate` has them."""

    tasks: list[str] = argument("aime24, r1_math_500@n=8, or a suite's file.", default=[])
    task: str = option("", "The same, by comma, as evaluate has it.")

    @property
    def named(self) -> str:
        """All, by comma."""
        return ",".join([*self.tasks, *filter(None, [self.task])])


@dataclass(frozen=True, kw_only=True)
class RepliesOptions:
    """Replies that were drawn elsewhere, and what grades them."""

    task: str = option(..., "Whose grader grades: r1_math_500, r1_gpqa_diamond, …")
    columns: str = option("", "Which column holds what, where its name does not say.", metavar="question=…,reply=…")
    thinking_opened: bool | None = option(None, "Whether the prompts opened a thought; else the file says.")
    allow_unsafe_code: bool = option(False, "Run programs where nothing can confine them.")


@dataclass(frozen=True, kw_only=True)
class RunOptions(ProblemOptions, SamplingOptions):
    """An evaluation: how much is drawn, and where what comes of it goes."""

    n: int | None = option(None, "Samples per problem, where the task's own number is not wanted.")
    limit: int | None = option(None, "A quick look: only the first so many problems of each task. Marked as such.")
    error: float | None = option(
        None, f"Draw until ± resampling is so many points, at most N ({MOST}) of a problem: 1.5.", metavar="POINTS"
    )
    output_dir: str = option("", "Where results and details go (data/evals/MODEL).", make="OUT")
    cache_dir: str = option("", "Where the journal is kept (the folder lighteval in HF_HOME).", make="CACHE")
    sane: bool = option(False, "Check engine and model before anything is drawn, as the command `sane` does.")
    upload: str = option(
        "", "Push the run to this data set repository; checked before anything is drawn.", metavar="REPO"
    )
    public: bool = option(False, "With --upload: publish.")
    wandb: bool = option(False, "LightEval logs the results to Weights & Biases, or Trackio.")
    allow_unsafe_code: bool = option(False, "Run programs where nothing can confine them.")
    verbose: bool = option(False, "Show what LightEval and vLLM say; else it goes to lighteval.log beside the results.")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.public and not self.upload:
            raise UserError("--public is of a push: say --upload REPO, too.")

    @property
    def asked_n(self) -> int | None:
        """Samples of each problem, or with an error, which is handed on here, the most of any."""
        if self.error is None:
            return self.n
        try:
            variables.points(str(self.error))
        except ValueError as error:
            raise UserError(f"--error {self.error:g} {error}.") from None
        variables.ERROR.set(f"{self.error:g}")
        return self.n or MOST
