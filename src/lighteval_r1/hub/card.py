"""The card (README.md) of a repository of published runs: made from the one that is there, never from scratch.

What other people wrote in it stays, in its head and in its text; only the entries of a run and the table are written.
"""

import re

import yaml

from lighteval_r1.hub.rows import Published
from lighteval_r1.records import UserError

FRONT = re.compile(r"\A---\r?\n(.*?)\r?\n---\r?\n?", re.DOTALL)
BEGIN, END = "<!-- runs of lighteval-r1: rewritten at each upload -->", "<!-- end of the runs -->"
HEADERS = ("config", "split", "model", "problems", "samples", "pass@1 %", "settings")

INTRODUCTION = """# Evaluation details

Replies of reasoning models to benchmark problems, sampled several times per problem and graded with lighteval-r1.
Each config is a task, each split a run; `latest` is the newest run of the task.

```python
from datasets import load_dataset

rows = load_dataset("{repo}", "{config}", split="latest")
```

One row is one sample: `problem_id`, `sample_index`, `prompt`, `thinking`, `reply` (as the model wrote it), `answer` (what was
extracted), `gold`, `outcome` (correct, wrong, no_answer, undecided), `finish_reason`, `n_tokens`, `seed`. Columns ending in
`_sha256` hold hashes of the texts; where a data set's authors ask not to show its questions, they stand alone.
`lighteval/` holds LightEval's results and details as they were written.

Anyone can check a number: `lighteval-r1 score hf://datasets/{repo} --task {config}` grades the replies again.
"""


def merged_card(text: str | None, published: Published, *, repo: str) -> str:
    """The card with this run in it. text: the card that is there, None where there is none."""
    head, body = read_card(text or "")
    by_name = {entry["config_name"]: entry for entry in head.get("configs") or [] if isinstance(entry, dict)}
    for config in published.configs:
        files = {entry["split"]: entry["path"] for entry in by_name.get(config, {}).get("data_files") or []}
        files[published.split] = f"rows/{config}/{published.split}.parquet"
        newest = max(split for split in files if split != "latest")
        files["latest"] = files[newest]
        by_name[config] = {
            "config_name": config,
            "data_files": [
                {"split": split, "path": files[split]} for split in ("latest", *sorted(set(files) - {"latest"}))
            ],
        }
    head["configs"] = [by_name[name] for name in sorted(by_name)]
    head["tags"] = sorted({*(head.get("tags") or []), "lighteval-r1", "evaluation"})
    before, lines, after = read_table(body or INTRODUCTION.format(repo=repo, config=published.configs[0]))
    lines |= {line[:2]: line for line in published.lines}
    table = "\n".join([BEGIN, markdown_table([lines[key] for key in sorted(lines)]), END])
    front = yaml.safe_dump(head, sort_keys=False, allow_unicode=True)
    return f"---\n{front}---\n\n{before.strip()}\n\n{table}\n" + (f"\n{after.strip()}\n" if after.strip() else "")


def read_card(text: str) -> tuple[dict, str]:
    """The card's metadata and its text."""
    found = FRONT.match(text)
    if not found:
        return {}, text.strip()
    try:
        head = yaml.safe_load(found.group(1)) or {}
    except yaml.YAMLError as error:
        raise UserError(
            f"the README.md in the repository has metadata that is not YAML ({error}). Mend it there."
        ) from None
    return head, text[found.end() :].strip()


def read_table(body: str) -> tuple[str, dict[tuple[str, ...], tuple[str, ...]], str]:
    """Text before the table, its lines by config and split, text after."""
    before, begin, rest = body.partition(BEGIN)
    if not begin:
        return body, {}, ""
    table, _, after = rest.partition(END)
    lines = {}
    for text in table.strip().splitlines()[2:]:
        cells = tuple(cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", text)[1:-1])
        if len(cells) == len(HEADERS):
            lines[cells[:2]] = cells
    return before, lines, after


def markdown_table(lines: list[tuple[str, ...]]) -> str:
    made = [HEADERS, tuple("---" for _ in HEADERS), *lines]
    return "\n".join("| " + " | ".join(cell_text(cell) for cell in line) + " |" for line in made)


def cell_text(text: str) -> str:
    """Inert in a table: one line, no bar, no HTML."""
    return re.sub(r"\s+", " ", text).replace("<", "‹").replace("|", "\\|")
