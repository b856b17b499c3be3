"""Changes of approach: sentences that begin with a phrase of a published list (phrases.toml).

What it gets wrong
    "Wait times are long" counts; a change of approach in other words ("Now with vectors:") does not.
"""

import re
import tomllib
from functools import cache
from importlib import resources
from itertools import chain

from lighteval_r1.graders.statements.sentences import BOUNDARY

# A list's number, a dash, quotes or emphasis may stand before a sentence's first word.
BEFORE = r"(?:[\s\-–—•*_>#\"'“”(]|\d{1,2}[.)]){0,12}"


@cache
def phrases() -> tuple[re.Pattern[str], re.Pattern[str]]:
    """At a text's beginning, and at any other sentence's: two, as a search for plain characters is fast.

    Longer phrases first, so that "but wait" is not taken for another; group 1 is the phrase.
    """
    text = resources.files(__package__).joinpath("phrases.toml").read_text(encoding="utf-8")
    listed = sorted(
        (phrase for published in tomllib.loads(text)["list"] for phrase in published["phrases"]), key=len, reverse=True
    )
    spelled = [
        re.escape(phrase.rstrip("*")).replace(r"\ ", r"\s{1,4}") + (f"{phrase[-2]}*" if phrase.endswith("*") else "")
        for phrase in listed
    ]
    phrase = rf"{BEFORE}({'|'.join(spelled)})(?![\w'’])"
    return re.compile(phrase, re.IGNORECASE), re.compile(BOUNDARY.pattern + phrase, re.IGNORECASE)


def changes(thinking: str) -> list[int]:
    """Offsets of the phrases that begin another thought; "Hmm. Wait, …" is one, as nothing is thought in between."""
    offsets: list[int] = []
    end = None
    at_first, others = phrases()
    begun = at_first.match(thinking)
    for match in chain([begun] if begun else [], others.finditer(thinking, begun.end() if begun else 0)):
        if end is None or re.search(r"\w", thinking[end : match.start(1)]):
            offsets.append(match.start(1))
        end = match.end(1)
    return offsets
