"""README.md and docs/ as tests read them: their blocks, the commands in these and what they show, links and words.

The first word behind a fence says what a block is, the rest what is special about it:

    console          `$ command`, then what it prints; tests/test_docs.py runs it and compares. A line "…" stands for any
                     lines, a "…" within a line for any text. Where "lighteval-r1: …" is shown, the command must fail
    console server   the same, with a server: tests/test_endpoint_vllm.py runs these commands
    sh               commands that need a GPU, a cluster, the Hub or minutes: only their names and options are checked
    pycon            a session, run as a doctest
    python           a whole program, run; `python fragment`: only compiled and its imports tried;
                     `python file=PATH`: stands word for word in that file
"""

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
PAGES = [README, *sorted((ROOT / "docs").glob("*.md"))]
FENCED = re.compile(r"^```(?P<kind>\S*)[ ]?(?P<mark>.*)\n(?P<text>(?:.*\n)*?)^```$", re.MULTILINE)
LINK = re.compile(r"\[[^\]]*\]\((?P<target>[^)\s]+)\)")
GAP = "…"


@dataclass(frozen=True)
class Block:
    page: Path
    kind: str
    mark: str
    text: str


@dataclass(frozen=True)
class Command:
    """line: as a shell reads it. shown: the lines under it."""

    line: str
    shown: tuple[str, ...]

    @property
    def words(self) -> list[str]:
        return shlex.split(self.line, comments=True)

    @property
    def fails(self) -> bool:
        return any(line.startswith("lighteval-r1: ") for line in self.shown)

    def matches(self, printed: str) -> bool:
        """Whether what was printed is what is shown; where nothing is shown, anything is."""
        lines = "".join(line.rstrip() + "\n" for line in printed.strip("\n").splitlines())
        shown = "".join(r"(?:.*\n)*" if line == GAP else in_line(line) + r"\n" for line in self.shown)
        return not self.shown or re.fullmatch(shown, lines) is not None


def in_line(line: str) -> str:
    return "[^\n]*".join(map(re.escape, line.rstrip().split(GAP)))


def blocks(page: Path, *kinds: str) -> list[Block]:
    """The page's blocks of these kinds."""
    found = FENCED.finditer(page.read_text(encoding="utf-8"))
    return [Block(page, m["kind"], m["mark"].strip(), m["text"]) for m in found if m["kind"] in kinds]


def commands(page: Path, *, mark: str = "") -> list[Command]:
    """The commands of the page's console blocks with this mark, and what they show."""
    found = []
    for block in blocks(page, "console"):
        if block.mark == mark:
            for part in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
                line, *shown = part.rstrip("\n").split("\n")
                # a line that goes on, as a shell shows it
                while shown and shown[0].startswith("> "):
                    line += "\n" + shown.pop(0)[2:]
                found.append(Command(line, tuple(shown)))
    return found


def said(page: Path) -> list[list[str]]:
    """The words of every command of the page, of those that are not run, too."""
    lines = [command.line for mark in ("", "server") for command in commands(page, mark=mark)]
    for block in blocks(page, "sh"):
        lines += block.text.replace("\\\n", "").splitlines()
    return [words for line in lines if (words := shlex.split(line, comments=True))]


def prose(page: Path) -> str:
    """The page without its blocks."""
    return FENCED.sub("", page.read_text(encoding="utf-8"))


def anchors(page: Path) -> set[str]:
    """The page's headings as links name them."""
    headings = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
