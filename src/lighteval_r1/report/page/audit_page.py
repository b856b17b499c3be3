"""The page of an audit: both claims, what they differ by, and the replies that they differ on."""

from pathlib import Path

from lighteval_r1 import __version__
from lighteval_r1.numbers.tables import intervals, percent
from lighteval_r1.report import page
from lighteval_r1.report.page.thinking_section import write_whole
from lighteval_r1.runs.audit import Audit, Judged, difference_in_words, shown_gold, with_reasons

EXAMPLES = 100
LAST_CHARACTERS = 600


def write_page(found: Audit, *, out: Path) -> None:
    content = {
        "title": f"Audit of {found.title}",
        "found": found,
        "claims": [
            ("its verdicts", [percent(found.theirs.value), *intervals(found.theirs)]),
            ("our grading", [percent(found.ours.value), *intervals(found.ours)]),
        ],
        "difference": difference_in_words(found),
        "kinds": [
            (
                "Right by its verdict, not by our grading",
                with_reasons(found.lost),
                list(map(shown, found.lost[:EXAMPLES])),
            ),
            (
                "Right by our grading, not by its verdict",
                with_reasons(found.gained),
                list(map(shown, found.gained[:EXAMPLES])),
            ),
        ],
        "version": __version__,
    }
    write_whole(page.render_still(content, template="audit.html.jinja"), out=out)


def shown(each: Judged) -> dict[str, str]:
    """What a reader needs to judge for himself; replies are hostile, and the template escapes them."""
    sample = each.sample
    return {
        "key": sample.key,
        "why": each.why,
        "gold": shown_gold(each),
        "answer": sample.answer or "",
        "step": sample.step or "",
        "question": each.problem.prompt,
        "end": sample.reply[-LAST_CHARACTERS:],
    }
