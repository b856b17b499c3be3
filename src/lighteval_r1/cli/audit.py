"""`lighteval-r1 audit`: published replies against the verdicts that they carry."""

from dataclasses import dataclass
from pathlib import Path

from lighteval_r1.cli.options import RepliesOptions, argument, option
from lighteval_r1.outside.words import say


@dataclass(frozen=True, kw_only=True)
class AuditOptions(RepliesOptions):
    file: str = argument("Replies with verdicts of whoever graded them: any file that score reads.")
    columns: str = option("", "Which column holds what, where its name does not say.", metavar="verdict=…,reply=…")
    output: Path | None = option(None, "Write a page with the disagreements, too.", "--output", "-o")


def audit_command(options: AuditOptions) -> None:
    """Grade published replies against the verdicts they carry. Says where both differ, and why."""
    from lighteval_r1.runs.audit import audit, in_words
    from lighteval_r1.runs.outputs import check_page

    if options.output is not None:
        check_page(options.output)
    found = audit(
        options.file,
        task=options.task,
        columns=options.columns,
        thinking_opened=options.thinking_opened,
        allow_unsafe_code=options.allow_unsafe_code,
    )
    say(in_words(found))
    if options.output is not None:
        from lighteval_r1.report.page.audit_page import write_page

        write_page(found, out=options.output)
        say(options.output)
