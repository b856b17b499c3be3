"""Expressions as trees: hypothesis draws them, this module writes them in LaTeX in several ways and computes their value.

A second, independent way to know whether two spellings are equal: nothing here is shared with the graders.
"""

import mpmath
from hypothesis import strategies as st

Tree = tuple
FUNCTIONS = {"sin": mpmath.sin, "cos": mpmath.cos, "ln": mpmath.log, "exp": mpmath.exp}
POINTS = tuple({name: mpmath.mpf(a) / b for name, a in zip("xyan", row, strict=True)} for b, row in (
    (311, (127, 701, 433, 269)), (257, (883, 149, 331, 577)), (419, (241, 367, 907, 113))
))  # fmt: skip

LEAVES = st.one_of(
    st.integers(1, 12).map(lambda n: ("number", n)),
    st.sampled_from("xyan").map(lambda name: ("letter", name)),
    st.just(("pi",)),
)


def grown(inner: st.SearchStrategy[Tree]) -> st.SearchStrategy[Tree]:
    return st.one_of(
        st.tuples(st.sampled_from("+-*/"), inner, inner),
        st.tuples(st.just("^"), inner, st.sampled_from((2, 3, 10, -1, -2))),
        st.tuples(st.just("root"), inner, st.sampled_from((2, 2, 3))),
        st.tuples(st.just("minus"), inner),
        st.tuples(st.sampled_from(sorted(FUNCTIONS)), inner),
    )


TREES = st.recursive(LEAVES, grown, max_leaves=6)


@st.composite
def pairs(draw) -> tuple[Tree, Tree]:
    """A tree, and the same with a slip in one place."""
    tree = draw(TREES)
    return tree, slipped(tree, draw)


def slipped(tree: Tree, draw) -> Tree:
    parts = [i for i, part in enumerate(tree) if isinstance(part, tuple)]
    if parts and draw(st.booleans()):
        i = draw(st.sampled_from(parts))
        return (*tree[:i], slipped(tree[i], draw), *tree[i + 1 :])
    kind = tree[0]
    if kind == "number":
        return (kind, tree[1] + draw(st.sampled_from((1, 2, 10))))
    if kind == "letter":
        return (kind, draw(st.sampled_from([name for name in "xyan" if name != tree[1]])))
    if kind == "pi":
        return ("number", 3)
    if kind in "+-*/":
        return (draw(st.sampled_from([sign for sign in "+-*/" if sign != kind])), *tree[1:])
    if kind in ("^", "root"):
        return (kind, tree[1], {2: 3, 3: 2}.get(tree[2], tree[2] + 1 or 2))
    if kind == "minus":
        return tree[1]
    return (draw(st.sampled_from([name for name in FUNCTIONS if name != kind])), tree[1])


def value(tree: Tree, point: dict) -> mpmath.mpf:
    kind, parts = tree[0], tree[1:]
    if kind == "number":
        return mpmath.mpf(parts[0])
    if kind == "letter":
        return point[parts[0]]
    if kind == "pi":
        return +mpmath.pi
    first = value(parts[0], point)
    if kind == "^":
        return mpmath.power(first, parts[1])
    if kind == "root":
        return mpmath.power(first, mpmath.mpf(1) / parts[1])
    if kind == "minus":
        return -first
    if kind in FUNCTIONS:
        return FUNCTIONS[kind](first)
    second = value(parts[1], point)
    return {"+": first.__add__, "-": first.__sub__, "*": first.__mul__, "/": first.__truediv__}[kind](second)


def equal(a: Tree, b: Tree) -> bool | None:
    """Whether two trees have one value; None where that is not to be told: no value, or close to none."""
    with mpmath.workdps(60):
        try:
            rows = [(value(a, point), value(b, point)) for point in POINTS]
        except (ZeroDivisionError, OverflowError, ValueError):
            return None
        sizes = [max(abs(x), abs(y)) for x, y in rows]
        if not all(mpmath.isfinite(size) and 1e-12 < size < 1e40 for size in sizes):
            return None
        return all(abs(x - y) < size * mpmath.mpf(10) ** -30 for (x, y), size in zip(rows, sizes, strict=True))


def written(tree: Tree, draw) -> str:
    """The tree in LaTeX, with brackets of two kinds, products with and without signs, sums in either order."""
    kind, parts = tree[0], tree[1:]
    if kind == "number":
        return str(parts[0])
    if kind == "letter":
        return parts[0]
    if kind == "pi":
        return "\\pi"
    gap = draw(st.sampled_from(("", " ", "\\,")))
    if kind in "+-":
        first, second = parts if kind == "-" or draw(st.booleans()) else parts[::-1]
        loose = second[0] in ("+", "-", "minus") if kind == "-" else second[0] == "minus"
        right = bracketed(second, draw) if loose else written(second, draw)
        right = f"({right})" if right.startswith("-") else right
        return f"{written(first, draw)}{gap}{kind}{gap}{right}"
    if kind == "*":
        factors = [bracketed(part, draw) for part in (parts if draw(st.booleans()) else parts[::-1])]
        return draw(st.sampled_from(("{}\\cdot {}", "{} \\times {}", "{} * {}", "{}\\left({}\\right)"))).format(*factors) if (
            factors[0][-1].isdigit() or factors[0][-1] == ")") else f"{factors[0]}\\cdot {factors[1]}"  # fmt: skip
    if kind == "/":
        form = draw(st.sampled_from(("\\frac{{{}}}{{{}}}", "\\dfrac{{{}}}{{{}}}", "{}/{}")))
        write = bracketed if form == "{}/{}" else written
        quotient = form.format(write(parts[0], draw), write(parts[1], draw))
        return quotient if form != "{}/{}" else f"({quotient})"
    if kind == "^":
        return f"{bracketed(parts[0], draw)}^{{{parts[1]}}}"
    if kind == "root":
        return f"\\sqrt{'' if parts[1] == 2 else '[3]'}{{{written(parts[0], draw)}}}"
    if kind == "minus":
        return f"-{bracketed(parts[0], draw)}"
    return f"\\{kind}({written(parts[0], draw)})"


def bracketed(tree: Tree, draw) -> str:
    if tree[0] in ("number", "letter", "pi", "root"):
        return written(tree, draw)
    return draw(st.sampled_from(("({})", "\\left({}\\right)", "\\left( {} \\right)"))).format(written(tree, draw))
