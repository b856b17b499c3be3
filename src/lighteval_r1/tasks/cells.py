"""What a cell of a user's file says: a gold, options, tests. ValueError says what is wrong with it."""

import json
import re
from collections.abc import Mapping

from lighteval_r1.tasks.lettered import LETTERS

# A gold of more words is a sentence.
MAX_WORDS = 8


def unreadable(gold: str) -> str:
    """Why no grader of expressions reads a gold, in words; "" where one may."""
    if len(re.findall(r"(?<![\\\w])[^\W\d_]{2,}", gold)) > MAX_WORDS:
        return "is a sentence"
    braces = re.sub(r"\\.", "", gold)
    if braces.count("{") != braces.count("}"):
        return "has a brace that does not close"
    return "is no number" if gold.casefold() == "nan" else ""


def gold_text(gold: object) -> str:
    """A gold as text: of a list its parts, of a solution that ends in "#### 42" its answer."""
    if isinstance(gold, list):
        return ", ".join(map(gold_text, gold))
    if isinstance(gold, Mapping):
        raise ValueError(f"the gold is an object, {str(gold)[:60]!r}")
    return "" if gold is None else str(gold).rpartition("####")[2].strip()


def parsed(value: object) -> object:
    """CSV files hold lists as JSON."""
    try:
        return json.loads(value) if isinstance(value, str) else value
    except ValueError:
        raise ValueError(f"{value[:60]!r} is not JSON") from None


def options_of(value: object) -> list[str]:
    options = parsed(value)
    if isinstance(options, Mapping):
        # {"label": […], "text": […]}, and {"A": "…"}
        options = options["text"] if set(options) == {"label", "text"} else list(options.values())
    if not isinstance(options, list) or not 2 <= len(options) <= len(LETTERS):
        raise ValueError(f"options are a list of 2 to {len(LETTERS)} texts, not {str(value)[:60]!r}")
    if strange := [option for option in options if not isinstance(option, str | int | float)]:
        raise ValueError(f"an option is a text, not {str(strange[0])[:60]!r}")
    return [str(option) for option in options]


def letter_of(gold: object, options: list[str]) -> str:
    """The letter that a gold means: a letter, the option's text, or its number from 0 (as data sets count)."""
    text = str(gold).strip()
    letter = text.strip("().").upper()
    meant = {LETTERS[i] for i, option in enumerate(options) if option.strip() == text}
    if isinstance(gold, int) and 0 <= gold < len(options):
        meant.add(LETTERS[gold])
    if not meant and len(letter) == 1 and letter in LETTERS[: len(options)]:
        meant.add(letter)
    if len(meant) != 1:
        several = "may mean several" if meant else "is none"
        raise ValueError(f"the gold {text[:60]!r} {several} of the {len(options)} options; a letter is clear")
    return meant.pop()


def tests_of(value: object) -> list[dict]:
    """[{"input": …, "output": …}] as in LiveCodeBench's data, or {"inputs": […], "outputs": […]} as in TACO's."""
    tests = parsed(value)
    if isinstance(tests, Mapping) and {"inputs", "outputs"} <= set(tests):
        if len(tests["inputs"]) != len(tests["outputs"]):
            raise ValueError(f"tests have {len(tests['inputs'])} inputs and {len(tests['outputs'])} outputs")
        pairs = zip(tests["inputs"], tests["outputs"], strict=True)
        tests = [{"input": text, "output": expected} for text, expected in pairs]
    right = isinstance(tests, list) and all(
        isinstance(test, Mapping) and isinstance(test.get("input"), str) and isinstance(test.get("output"), str)
        for test in tests
    )
    if not right or not tests:
        raise ValueError(f'tests are a list of {{"input": text, "output": text}}, not {str(value)[:60]!r}')
    return [{"input": test["input"], "output": test["output"]} for test in tests]
