"""A prompt through a model's chat template, and what of that an argument of the template changes."""

from collections.abc import Mapping

from lighteval_r1.records import UserError


def prompt_text(tokenizer: object, prompt: str, *, system: str | None, template_kwargs: Mapping) -> str:
    """The prompt through the chat template. UserError where the template refuses what it is given."""
    import jinja2

    messages = [{"role": "system", "content": system}] if system else []
    messages.append({"role": "user", "content": prompt})
    try:
        return tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True, **template_kwargs)
    except (jinja2.TemplateError, TypeError, ValueError) as error:
        given = ", ".join(f"{name}={value!r}" for name, value in template_kwargs.items()) or "no arguments"
        raise UserError(f"the chat template refuses what it is given ({given}): {error}") from None


def without_effect(tokenizer: object, *, system: str | None, template_kwargs: Mapping) -> list[str]:
    """Names of the arguments without which the prompt would be the same."""

    def rendered(kwargs: Mapping) -> str:
        return prompt_text(tokenizer, "?", system=system, template_kwargs=kwargs)

    whole = rendered(template_kwargs)
    rest = {
        name: {other: template_kwargs[other] for other in template_kwargs if other != name} for name in template_kwargs
    }
    return [name for name, kwargs in rest.items() if rendered(kwargs) == whole]
