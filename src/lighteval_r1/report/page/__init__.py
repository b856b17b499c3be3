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

import jinja2

from lighteval_r1.numbers.tables import intervals
from lighteval_r1.report.page import drawings

SCRIPTS = ("typeset.js", "reply.js", "filters.js", "grid.js")
FONT = re.compile(r'url\(fonts/([\w-]+\.woff2)\) format\("woff2"\)(?:,url\([^)]*\) format\("\w+"\))*')
# "<" ends a script element (</script>) or begins a comment in it (<!--); the two separators end lines in old scripts.
UNSAFE = {character: f"\\u{ord(character):04x}" for character in "<>&\u2028\u2029"}
SURROGATE = re.compile("[\ud800-\udfff]")


def render(content: dict, *, data: object, samples: list[object]) -> str:
    """The page. content: what the template names; data: what the grid reads at once; samples: excerpts per table."""
    style, script = _style(), _script()
    policy = "; ".join(
        [
            "default-src 'none'",
            f"script-src {_source(script)} 'strict-dynamic'",
            f"style-src {_source(style)}",
            # KaTeX sizes stretched delimiters by style attributes; no reply can write one.
            "style-src-attr 'unsafe-inline'",
            "font-src data:",
            "img-src data:",
            "base-uri 'none'",
            "form-action 'none'",
            "require-trusted-types-for 'script'",
            "trusted-types reply-files",
        ]
    )
    return (
        _environment()
        .get_template("report.html.jinja")
        .render(
            content,
            drawings=drawings,
            intervals=intervals,
            policy=policy,
            style=style,
            script=script,
            data=script_json(data),
            samples=[script_json(each) for each in samples],
            katex_licence=_asset("katex/LICENSE"),
        )
    )


def render_still(content: dict, *, template: str) -> str:
    """A page that runs nothing and loads nothing."""
    style = _asset("report.css")
    policy = f"default-src 'none'; style-src {_source(style)}; img-src data:; base-uri 'none'; form-action 'none'"
    return _environment().get_template(template).render(content, drawings=drawings, policy=policy, style=style)


def script_json(value: object) -> str:
    """JSON that can stand in a script element, or be a script, whatever strings it holds."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for character, escape in UNSAFE.items():
        text = text.replace(character, escape)
    # Half a character cannot be written as UTF-8.
    return SURROGATE.sub(lambda half: f"\\u{ord(half[0]):04x}", text)


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
    own = "\n".join(_asset(name) for name in SCRIPTS)
    return f'{_asset("katex/katex.min.js")}\n(() => {{\n"use strict";\n{own}\n}})();\n'
