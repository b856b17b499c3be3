"""A model's chat template: what it can be told is known before a tokenizer is loaded."""

import difflib
import re
from collections.abc import Mapping

from lighteval_r1.engines.model_files import read_description
from lighteval_r1.outside.hub_files import model_file
from lighteval_r1.records import UserError

# What a template gets from the run or from transformers, whatever a user says.
DECIDED = frozenset(
    "conversation messages tools documents chat_template add_generation_prompt continue_final_message tokenize padding "
    "truncation max_length return_tensors return_dict return_assistant_tokens_mask tokenizer_kwargs".split()
)
# transformers' own block, which marks what an assistant wrote; plain jinja does not know it.
GENERATION = re.compile(r"{%-?\s*(?:end)?generation\s*-?%}")
EFFORT = "reasoning_effort"


def template_text(model: str, *, revision: str | None = None) -> str | None:
    """The chat template as transformers would take it; None where the model has none, or its files are not at hand."""
    path = model_file(model, "chat_template.jinja", revision=revision)
    if path is not None:
        return path.read_text(encoding="utf-8")
    path = model_file(model, "tokenizer_config.json", revision=revision)
    template = read_description(path).get("chat_template") if path else None
    if isinstance(template, list):
        # several under names, of which a plain question gets this one
        template = {named["name"]: named["template"] for named in template}.get("default")
    return template


def variables_of(template: str) -> set[str]:
    """Names that a template looks up and nobody but a user gives it."""
    import jinja2
    from jinja2 import meta

    try:
        parsed = jinja2.Environment(extensions=["jinja2.ext.loopcontrols"]).parse(GENERATION.sub("", template))
    except jinja2.TemplateSyntaxError as error:
        raise UserError(f"the chat template cannot be read: line {error.lineno}: {error.message}.") from None
    names = meta.find_undeclared_variables(parsed) - DECIDED
    return {name for name in names if not re.fullmatch(r"raise_exception|strftime_now|\w+_token", name)}


def check_template_args(template_args: Mapping, template: str | None, *, effort: str = "", model: str) -> None:
    """UserError for what the template never mentions. template: None where there is none."""
    asked = [*template_args, *([EFFORT] if effort else [])]
    if not asked:
        return
    if decided := DECIDED.intersection(asked):
        raise UserError(f"the template argument {min(decided)} is decided by the run.")
    if effort and EFFORT in template_args:
        raise UserError(f"effort and the template argument {EFFORT} are one: say it once.")
    if template is None:
        raise UserError(f"{model} has no chat template, so nothing can be said to it ({', '.join(asked)}).")
    known = variables_of(template)
    for name in asked:
        # A template may hand a name on, as a key or an attribute: what it mentions at all, it may know.
        if name in known or re.search(rf"\b{re.escape(name)}\b", template):
            continue
        near = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
        hint = f"Did you mean {near[0]}? " if near else ""
        what = f"the chat template of {model} knows no {name}"
        if name == EFFORT and effort:
            what = f"effort {effort}: {what}"
        raise UserError(f"{what}. {hint}It knows: {', '.join(sorted(known)) or 'nothing that can be set'}.")
