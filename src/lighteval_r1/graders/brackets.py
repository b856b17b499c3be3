"""Spellings taken apart at their brackets, to be compared part by part."""

from collections.abc import Callable, Iterable

Decide = Callable[[str, str], bool | None]


def all_equal(pairs: Iterable[tuple[str, str]], decide: Decide) -> bool | None:
    """True if all pairs are equal, False if one is not, None if one could not be decided and none is unequal."""
    found = [decide(x, y) for x, y in pairs]
    return False if False in found else None if None in found else True


def outer(s: str) -> str:
    """Without braces or parentheses that enclose everything and say nothing: (5) -> 5, {5} -> 5."""
    while len(s) > 2 and (s[0], s[-1]) in (("{", "}"), ("(", ")")) and len(split(s[1:-1], ",;")) == 1 and encloses(s):
        s = s[1:-1]
    return s


def encloses(s: str) -> bool:
    """Whether the bracket at the start closes at the end."""
    depth = 0
    for i, character in enumerate(s):
        if character in "([{":
            depth += 1
        elif character in ")]}":
            depth -= 1
            if depth == 0:
                return i == len(s) - 1
    return False


def split(s: str, separators: str) -> list[str]:
    """The parts between separators outside all brackets; [s] where there is none."""
    parts, depth, start = [], 0, 0
    for i, character in enumerate(s):
        if character in "([{":
            depth += 1
        elif character in ")]}":
            depth -= 1
        elif depth <= 0 and character in separators:
            parts.append(s[start:i])
            start = i + 1
    parts.append(s[start:])
    return parts
