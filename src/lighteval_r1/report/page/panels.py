"""The six measures over levels as inline SVG in the page's colours, light or dark."""

from collections.abc import Callable

from markupsafe import Markup, escape

from lighteval_r1.report.page.drawings import svg, tick_step
from lighteval_r1.thinking.summary import Panel

WIDTH, HEIGHT = 330, 190
LEFT, RIGHT, TOP, BOTTOM = 46, 12, 10, 26


def panel(of: Panel) -> Markup:
    """A line per run with intervals; the axis fits the data."""
    scale = 100 if of.measure.share else 1
    highest = scale * of.top or (100 if of.measure.share else 1)
    step = step_of(highest)
    top = step * max(1, -(-highest // step))
    first, last = of.ticks[0][0] - 0.5, of.ticks[-1][0] + 0.5

    def x(place: float) -> float:
        return round(LEFT + (place - first) / (last - first) * (WIDTH - LEFT - RIGHT), 1)

    def y(value: float) -> float:
        return round(HEIGHT - BOTTOM - value / top * (HEIGHT - TOP - BOTTOM), 1)

    marks = []
    empty = not any(points for _, points in of.lines)
    for at in range(1 if empty else round(top / step) + 1):
        value = at * step
        marks.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(value)}" y2="{y(value)}"/>')
        marks.append(
            f'<text x="{LEFT - 6}" y="{y(value) + 4}" '
            f'text-anchor="end">{value:,.{0 if step >= 1 else 1 if step >= 0.1 else 2}f}</text>'
        )
    for place, label in of.ticks:
        marks.append(f'<text x="{x(place)}" y="{HEIGHT - BOTTOM + 15}" text-anchor="middle">{escape(label)}</text>')
    n = len(of.lines)
    for at, (run, points) in enumerate(of.lines):
        shift = (at - (n - 1) / 2) * 4
        scaled = [
            (place, x(place) + shift, value * scale, ends and (ends[0] * scale, ends[1] * scale))
            for place, value, ends in points
        ]
        marks += _line(at, run, scaled, y=y, share=of.measure.share)
    if empty:
        marks.append(
            f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT / 2}" text-anchor="middle">no reply has it</text>'
        )
    return svg("".join(marks), width=WIDTH, height=HEIGHT, words=f"{of.measure.title} over levels")


def step_of(largest: float) -> float:
    """Steps below 1 for measures such as the number of thoughts."""
    return tick_step(largest) if largest > 1 else tick_step(largest * 100) / 100


def _line(at: int, run: str, points: list, *, y: Callable[[float], float], share: bool) -> list[str]:
    """points: (level, x, value, its interval). No line bridges a missing level."""
    path = ""
    for number, (level, x, value, _) in enumerate(points):
        joined = number and level - points[number - 1][0] <= 1
        path += f"{'L' if joined else 'M'}{x:.1f} {y(value)}"
    marks = [f'<path class="curve run-{at % 5}" d="{path}"/>'] if "L" in path else []
    for _, x, value, ends in points:
        if ends:
            low, high = map(y, ends)
            marks.append(
                f'<path class="curve run-{at % 5}" d="M{x:.1f} {low}V{high}M{x - 2.5:.1f} {low}h5M{x - 2.5:.1f} '
                f'{high}h5"/>'
            )
        words = (
            f"{run}: {value:,.1f}" + (f", {ends[0]:,.1f} to {ends[1]:,.1f}" if ends else "") + (" %" if share else "")
        )
        marks.append(
            f'<circle class="dot-{at % 5}" cx="{x:.1f}" cy="{y(value)}" r="3"><title>{escape(words)}</title></circle>'
        )
    return marks
