"""The page's drawings as inline SVG that takes its colours from the page's style, light or dark."""

import math
from collections.abc import Sequence

import numpy as np
from markupsafe import Markup, escape

from lighteval_r1.numbers.tables import span
from lighteval_r1.report.summary import Curve, Lengths, Scored

WIDTH, HEIGHT = 380, 190
LEFT, RIGHT, TOP, BOTTOM = 40, 14, 8, 30
BINS_PER_DOUBLING = 4


def interval(scored: Scored, *, width: int = 240, colour: int | None = None) -> Markup:
    """A score on a scale from 0 to 100 %: a tick in a band, its interval on the same problems, and a line with ends,
    that on other problems; published numbers as open diamonds.

    colour: the run's place.
    """
    height, middle = 26, 13

    def x(fraction: float) -> float:
        return round(4 + fraction * (width - 8), 1)

    marks = [
        f'<line class="grid" x1="{x(at)}" x2="{x(at)}" y1="2" y2="{height - 2}"/>' for at in (0, 0.25, 0.5, 0.75, 1)
    ]
    words = [f"{scored.value:.1%}"]
    same, others = scored.estimate.same_problems, scored.estimate.other_problems
    if others is not None:
        low, high = map(x, others)
        marks.append(f'<path class="wide" d="M{low} {middle}H{high}M{low} {middle - 5}v10M{high} {middle - 5}v10"/>')
        words.append(f"95 % interval, other problems: {span(others)}")
    if same is not None:
        band = max(x(same[1]) - x(same[0]), 3.0)
        at = f'x="{(x(same[0]) + x(same[1]) - band) / 2:.1f}" y="{middle - 5}" width="{band:.1f}" height="10"'
        marks.append(f'<rect class="{"near" if colour is None else f"dot-{colour % 5}"}" {at}/>')
        words.insert(1, f"95 % interval, same problems: {span(same)}")
    for each in scored.published:
        title = f"<title>{escape(each.name)}: {each.value:.1%}</title>"
        marks.append(f'<path class="published" d="M{x(each.value)} {middle - 6}l4 6l-4 6l-4 -6z">{title}</path>')
    marks.append(
        f'<line class="tick" x1="{x(scored.value)}" x2="{x(scored.value)}" y1="{middle - 8}" y2="{middle + 8}"/>'
    )
    return svg("".join(marks), width=width, height=height, words=", ".join(words))


def curves(runs: Sequence[tuple[str, Sequence[tuple[int, float]]]]) -> Markup:
    """pass@k of each run over k, on a doubling scale. runs: (label, [(k, value), …])."""
    largest = max(k for _, points in runs for k, _ in points)
    lowest = math.floor(min(value for _, points in runs for _, value in points) * 10) / 10
    bottom = min(lowest, 0.9)

    def x(k: float) -> float:
        share = math.log2(k) / math.log2(largest) if largest > 1 else 0.5
        return round(LEFT + share * (WIDTH - LEFT - RIGHT), 1)

    def y(value: float) -> float:
        return round(TOP + (1 - value) / (1 - bottom) * (HEIGHT - TOP - BOTTOM), 1)

    marks = y_axis(bottom, y=y)
    for power in range(int(math.log2(largest)) + 1):
        marks.append(f'<text x="{x(2**power)}" y="{HEIGHT - BOTTOM + 15}" text-anchor="middle">{2**power}</text>')
    marks.append(f'<text x="{WIDTH - RIGHT}" y="{HEIGHT - 1}" text-anchor="end">k, samples allowed</text>')
    for at, (label, points) in enumerate(runs):
        path = "L".join(f"{x(k)} {y(value)}" for k, value in points)
        marks.append(f'<path class="curve run-{at % 5}" d="M{path}"><title>{escape(label)}</title></path>')
        for k, value in points:
            title = f"<title>{escape(label)}: pass@{k} {value:.1%}</title>"
            marks.append(f'<circle class="dot-{at % 5}" cx="{x(k)}" cy="{y(value)}" r="2.5">{title}</circle>')
    return svg("".join(marks), width=WIDTH, height=HEIGHT, words="pass@k over k")


def checkpoints(lines: Sequence[Curve]) -> Markup:
    """pass@1 over the steps of trainings, each point with its interval and a link to its page."""
    steps = [step for line in lines for step, *_ in line.points]
    first, last = min(steps), max(steps)
    top = min(1.0, math.ceil(max(point[3] for line in lines for point in line.points) * 10) / 10)
    bottom = math.floor(min(point[2] for line in lines for point in line.points) * 10) / 10

    def x(step: float) -> float:
        return round(LEFT + 8 + (step - first) / (last - first) * (WIDTH - LEFT - RIGHT - 16), 1)

    def y(value: float) -> float:
        return round(TOP + (top - value) / (top - bottom) * (HEIGHT - TOP - BOTTOM), 1)

    marks = y_axis(bottom, y=y, top=top)
    for at in sorted({first, last, *(sorted(set(steps))[1:-1] if len(set(steps)) <= 8 else [])}):
        marks.append(f'<text x="{x(at)}" y="{HEIGHT - BOTTOM + 15}" text-anchor="middle">{at:,}</text>')
    marks.append(f'<text x="{WIDTH - RIGHT}" y="{HEIGHT - 1}" text-anchor="end">training step</text>')
    for at, line in enumerate(lines):
        path = "L".join(f"{x(step)} {y(value)}" for step, value, *_ in line.points)
        marks.append(f'<path class="curve run-{at % 5}" d="M{path}"/>')
        for step, value, low, high, href in line.points:
            words = escape(f"{line.name}, step {step:,}: {value:.1%}, {low:.1%} to {high:.1%}")
            marks.append(f'<path class="curve run-{at % 5}" d="M{x(step)} {y(low)}V{y(high)}"/>')
            marks.append(
                f'<a href="{escape(href)}" aria-label="{words}"><circle class="dot-{at % 5}" cx="{x(step)}" '
                f'cy="{y(value)}" r="4"><title>{words}</title></circle></a>'
            )
    return svg("".join(marks), width=WIDTH, height=HEIGHT, words="pass@1 over training steps", role="group")


def tick_step(largest: float) -> float:
    """A round step (1, 2, 2.5 or 5 times a power of ten) that reaches the largest value in at most five steps."""
    least = max(largest, 1) / 5
    power = 10 ** math.floor(math.log10(least))
    return next(step * power for step in (1, 2, 2.5, 5, 10) if step * power >= least)


def key(at: int, run: str) -> Markup:
    """A dot in the colour of the run at that place."""
    mark = f'<circle class="dot-{at % 5}" cx="5" cy="5" r="4"><title>{escape(run)}</title></circle>'
    return svg(mark, width=10, height=10, words=run, name="drawing dot")


def lengths(of: Lengths) -> Markup:
    """How long right replies (upwards) and the others (downwards) are, on a scale that doubles."""
    edges = length_edges([*of.right, *of.others])
    counts = [np.histogram(np.maximum(values, edges[0]), bins=edges)[0] for values in (of.right, of.others)]
    middle = (TOP + HEIGHT - BOTTOM) / 2
    per_reply = (middle - TOP - 2) / (max(max(row) for row in counts) or 1)
    pixels = (WIDTH - LEFT - RIGHT) / (len(edges) - 1)
    marks = []
    for at, (name, words) in enumerate((("correct", "right"), ("not-correct", "others"))):
        for place, n in enumerate(counts[at]):
            if not n:
                continue
            height = max(round(n * per_reply, 1), 1.5)
            y = round(middle - 1 - height, 1) if at == 0 else middle + 1
            between = f"{edges[place]:,.0f} to {edges[place + 1]:,.0f} {escape(of.unit)}"
            marks.append(
                f'<rect class="{name}" x="{LEFT + place * pixels:.1f}" y="{y}" width="{pixels - 1:.1f}" '
                f'height="{height}"><title>{n} {words}, {between}</title></rect>'
            )
    marks.append(f'<line class="axis" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{middle}" y2="{middle}"/>')
    doublings = edges[::BINS_PER_DOUBLING]
    for at, edge in list(enumerate(doublings))[:: -(-len(doublings) // 8)]:
        x = LEFT + at * BINS_PER_DOUBLING * pixels
        marks.append(f'<text x="{x:.1f}" y="{HEIGHT - BOTTOM + 15}" text-anchor="middle">{edge:,.0f}</text>')
    marks.append(f'<text x="{WIDTH - RIGHT}" y="{HEIGHT - 1}" text-anchor="end">{escape(of.unit)}</text>')
    for words, y in (("right", TOP + 10), ("others", HEIGHT - BOTTOM - 4)):
        marks.append(f'<text class="label" x="0" y="{y}">{words}</text>')
    return svg("".join(marks), width=WIDTH, height=HEIGHT, words="lengths of right replies and of the others")


def length_edges(values: Sequence[int]) -> np.ndarray:
    """Edges of bins that grow evenly on a logarithmic scale, from a power of two to another around all values."""
    known = [max(1, value) for value in values] or [1]
    first = math.floor(math.log2(min(known)))
    last = max(first + 1, math.ceil(math.log2(max(known) + 1)))
    return 2.0 ** np.linspace(first, last, (last - first) * BINS_PER_DOUBLING + 1)


def y_axis(bottom: float, *, y, top: float = 1.0) -> list[str]:
    marks = []
    tenths = round((top - bottom) * 10)
    for at in range(0, tenths + 1, 1 if tenths <= 5 else 2):
        value = top - at / 10
        marks.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(value)}" y2="{y(value)}"/>')
        marks.append(f'<text x="{LEFT - 6}" y="{y(value) + 4}" text-anchor="end">{value:.0%}</text>')
    return marks


def svg(marks: str, *, width: int, height: int, words: str, name: str = "drawing", role: str = "img") -> Markup:
    return Markup(
        f'<svg class="{name}" role="{role}" aria-label="{escape(words)}" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}">{marks}</svg>'
    )
