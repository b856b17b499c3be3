"""One self-contained HTML page from a report's content: template, style, script, fonts and data in one file.

Replies are hostile. They reach the page as JSON in script elements that browsers do not run, and the page's own script
turns them into text nodes only. A Content-Security-Policy admits the page's own script and style by their hashes,
scripts which that script loads (the reply files, one checked form of address), and nothing else: no network, no
inline handlers, no images but data.
"""

import base64
import hashlib
import json
import re
from functools import cache
from importlib import resources
from pathlib import Path

import jinja2

from lighteval_r1.numbers.tables import intervals
from lighteval_r1.report.page import drawings

SCRIPTS = ("page.js", "typeset.js", "reply.js", "filters.js", "grid.js")
INDEX_SCRIPTS = ("page.js", "index.js")
MADE_OF = re.compile(rb'<meta name="made-of" content="(\w+)">')
FONT = re.compile(r'url\(fonts/([\w-]+\.woff2)\) format\("woff2"\)(?:,url\([^)]*\) format\("\w+"\))*')
# "<" ends a script element (</script>) or begins a comment in it (<!--); the two separators end lines in old scripts.
UNSAFE = {character: f"\\u{ord(character):04x}" for character in "<>&\u2028\u2029"}
SURROGATE = re.compile("[\ud800-\udfff]")


def render(content: dict, *, data: object, samples: list[object]) -> str:
    """The page. content: what the template names; data: what the grid reads at once; samples: excerpts per table."""
    style, script = _style(), _script()
    # KaTeX sizes stretched delimiters by style attributes; no reply can write one.
    further = ["style-src-attr 'unsafe-inline'", "font-src data:", "trusted-types reply-files"]
    return _filled(
        "report.html.jinja",
        content | {"intervals": intervals, "katex_licence": _asset("katex/LICENSE")},
        style=style,
        script=script,
        policy=[f"script-src {_source(script)} 'strict-dynamic'", *further],
        data=script_json(data),
        samples=[script_json(each) for each in samples],
    )


def render_index(content: dict, *, data: object) -> str:
    """The page over many runs; it loads nothing."""
    script = _own(INDEX_SCRIPTS)
    policy = [f"script-src {_source(script)}", "trusted-types"]
    return _filled(
        "index.html.jinja", content, style=_asset("report.css"), script=script, policy=policy, data=script_json(data)
    )


def render_still(content: dict, *, template: str) -> str:
    """A page that runs nothing and loads nothing."""
    return _filled(template, content, style=_asset("report.css"), policy=[])


def _filled(template: str, content: dict, *, style: str, policy: list[str], **more: object) -> str:
    parts = [
        "default-src 'none'",
        f"style-src {_source(style)}",
        "img-src data:",
        "base-uri 'none'",
        "form-action 'none'",
    ]
    parts += [*policy, "require-trusted-types-for 'script'"]
    return (
        _environment()
        .get_template(template)
        .render(content, drawings=drawings, policy="; ".join(parts), style=style, **more)
    )


def made_of(path: Path) -> str:
    """What a page was made of, as its head says; "" where it does not."""
    with path.open("rb") as file:
        match = MADE_OF.search(file.read(4096))
    return match[1].decode() if match else ""


def script_json(value: object) -> str:
    """JSON that can stand in a script element, or be a script, whatever strings it holds."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for character, escape in UNSAFE.items():
        text = text.replace(character, escape)
    # Half a character cannot be written as UTF-8.
    return SURROGATE.sub(lambda half: f"\\u{ord(half[0]):04x}", text)


@cache
def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FunctionLoader(_asset), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )


def _source(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _asset(name: str) -> str:
    return resources.files(__name__).joinpath(name).read_text(encoding="utf-8")


@cache
def _style() -> str:
    """Our style and KaTeX's, with its fonts inside."""

    def inlined(match: re.Match) -> str:
        font = resources.files(__name__).joinpath("katex", "fonts", match[1]).read_bytes()
        return f'url(data:font/woff2;base64,{base64.b64encode(font).decode()}) format("woff2")'

    return FONT.sub(inlined, _asset("katex/katex.min.css")) + "\n" + _asset("report.css")


@cache
def _script() -> str:
    return f"{_asset('katex/katex.min.js')}\n{_own(SCRIPTS)}"


def _own(names: tuple[str, ...]) -> str:
    own = "\n".join(map(_asset, names))
    return f'(() => {{\n"use strict";\n{own}\n}})();\n'
