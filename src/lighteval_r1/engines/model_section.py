"""What is said of a model beside LightEval's model parameters: a recipe's section `lighteval_r1`, options, a variable.

LightEval reads only `model_parameters` of a recipe, and forbids what it does not know in there.
"""

import difflib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace

import yaml

from lighteval_r1.engines.adapters import Adapter, read_adapter
from lighteval_r1.engines.engine_options import check_engine_options
from lighteval_r1.engines.model_parameters import max_tokens_of
from lighteval_r1.engines.templates import check_template_args, template_text
from lighteval_r1.graders.marks import AUTO, NONE, check_name
from lighteval_r1.outside import variables
from lighteval_r1.outside.hub_files import model_file
from lighteval_r1.records import UserError

SECTION = "lighteval_r1"
# JSON's words as Python and people spell them: a template would take "False" for true.
WORDS = {"true": True, "false": False, "none": None, "null": None}


@dataclass(frozen=True)
class ModelSection:
    """template_args: what the chat template is given. effort: its reasoning_effort. thinking_budget: tokens of one
    thought. reasoning_parser: whose marks tell thinking from answer, "" for auto. end_loops: see loops.
    generation_config: sample as the model's file of this name says. lora: an adapter. vllm: further arguments of its
    own. source, confirmed: where a recipe has its values, and whether they could be read there.
    """

    template_args: dict[str, object] = field(default_factory=dict)
    effort: str = ""
    thinking_budget: int | None = None
    reasoning_parser: str = ""
    end_loops: str = ""
    generation_config: bool = False
    lora: str = ""
    vllm: dict[str, object] = field(default_factory=dict)
    source: str = ""
    confirmed: bool = True

    @classmethod
    def of(cls, record: object, *, where: str) -> "ModelSection":
        """A section as it was written. UserError, naming the place, where it holds something else."""
        if not record:
            return cls()
        if not isinstance(record, Mapping):
            raise UserError(f"{where} is not a mapping of {', '.join(NAMES)}.")
        for name in record:
            if name not in NAMES:
                near = difflib.get_close_matches(str(name), NAMES, n=1, cutoff=0.0)
                raise UserError(f"{where}: there is no {name!r}. Nearest: {near[0]}. All: {', '.join(NAMES)}.")
        # a third of a second that most runs do not need
        from pydantic import TypeAdapter, ValidationError

        try:
            return TypeAdapter(cls).validate_python(dict(record))
        except ValidationError as error:
            first = error.errors()[0]
            raise UserError(f"{where}: {'.'.join(map(str, first['loc']))}: {first['msg']}.") from None

    @classmethod
    def in_recipe(cls, path: str) -> "ModelSection":
        """Of a recipe's file, which LightEval also reads; what it cannot read, it says itself."""
        try:
            with open(path, encoding="utf-8") as file:
                recipe = yaml.safe_load(file)
        except (OSError, yaml.YAMLError):
            return cls()
        return cls.of(recipe.get(SECTION) if isinstance(recipe, Mapping) else None, where=f"{path}, {SECTION}")

    def under(self, other: "ModelSection") -> "ModelSection":
        """With what the other says put over it; template arguments one by one."""
        changes = {name: value for name, value in vars(other).items() if value != getattr(NOTHING, name)}
        for name in {"template_args", "vllm"} & set(changes):
            changes[name] = getattr(self, name) | changes[name]
        return replace(self, **changes)

    @property
    def record(self) -> dict:
        """What it says, without what it leaves open."""
        return {name: value for name, value in asdict(self).items() if value != getattr(NOTHING, name)}

    def check(self, model: str, *, parameters: Mapping) -> None:
        """UserError for what this model cannot be told, before anything of it is loaded. parameters: LightEval's."""
        if self.template_args or self.effort:
            source = str(parameters.get("tokenizer") or model)
            revision = str(parameters.get("revision") or "main")
            template = template_text(source, revision=revision)
            # Where the Hub is out of reach, whoever looks for the model says so.
            if template is not None or model_file(source, "config.json", revision=revision):
                check_template_args(self.template_args, template, effort=self.effort, model=model)
        if self.vllm:
            # which reads the sources of vLLM
            check_engine_options(self.vllm)
        if self.lora:
            self.adapter(model, parameters=parameters)
        check_budget(self.thinking_budget, max_tokens=max_tokens_of(parameters))
        check_name(self.reasoning_parser or AUTO)
        loops(self.end_loops)
        if self.thinking_budget is not None and self.reasoning_parser == NONE and "reasoning_config" not in self.vllm:
            raise no_marks(self.thinking_budget)

    def adapter(self, model: str, *, parameters: Mapping) -> Adapter:
        return read_adapter(self.lora, model=model, revision=str(parameters.get("revision") or "main"))


NOTHING = ModelSection()
NAMES = tuple(known.name for known in fields(ModelSection))


def said_by_hand() -> ModelSection:
    """What LIGHTEVAL_R1_MODEL says, for those who call LightEval themselves."""
    return ModelSection.of(variables.MODEL.value(), where=variables.MODEL.name)


def recipe_text(parameters: Mapping, section: Mapping) -> str:
    """A recipe, as it is written for LightEval and for us. section: a ModelSection's record."""
    recipe = {"model_parameters": dict(parameters), **({SECTION: dict(section)} if section else {})}
    # in ASCII, so that no character of a system prompt depends on who reads the file
    return yaml.safe_dump(recipe, sort_keys=False)


def check_budget(budget: int | None, *, max_tokens: int | None) -> None:
    if budget is not None and budget < 0:
        raise UserError(f"thinking_budget {budget}: a number of tokens from 0 is needed.")
    if budget is not None and max_tokens is not None and budget >= max_tokens:
        raise UserError(f"thinking_budget {budget} leaves no room for an answer within max_tokens {max_tokens}.")


def no_marks(budget: int) -> UserError:
    return UserError(
        f"thinking_budget {budget}: vLLM must know the marks of thinking to end it. Say the reasoning_parser, such as "
        "qwen3 or deepseek_r1."
    )


def loops(text: str) -> dict:
    """SIZE,COUNT as vLLM's repetition detection names them; {} where nothing is said."""
    if not text:
        return {}
    numbers = re.fullmatch(r"(\d{1,4}),(\d{1,4})", text, re.ASCII)
    if not numbers or int(numbers[1]) < 1 or int(numbers[2]) < 2:
        raise UserError(
            f"end_loops {text!r} is not SIZE,COUNT: up to SIZE tokens, COUNT times in a row, such as 64,16."
        )
    return {"repetition_detection": {"max_pattern_size": int(numbers[1]), "min_count": int(numbers[2])}}


def named_values(texts: Sequence[str], *, option: str) -> dict[str, object]:
    """["a=1", '{"b": false}'] as {"a": 1, "b": False}; what is no JSON is text."""
    values: dict[str, object] = {}
    for text in texts:
        if text.lstrip().startswith("{"):
            try:
                values |= json.loads(text)
            except ValueError as error:
                raise UserError(f"{option} {text}: not JSON ({error}).") from None
            continue
        name, equals, value = text.partition("=")
        name = name.strip().replace("-", "_")
        if not (equals and name.isidentifier()):
            raise UserError(f"{option} {text!r} is not NAME=VALUE, such as enable_thinking=false.")
        values[name] = value_of(value.strip())
    return values


def value_of(text: str) -> object:
    if text.lower() in WORDS:
        return WORDS[text.lower()]
    try:
        return json.loads(text)
    except ValueError:
        return text
