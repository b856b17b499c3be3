"""The card (README.md) of a repository of published runs: made from the one that is there, never from scratch.

What other people wrote in it stays, in its head and in its text; only the entries of a run and the table are written.
"""

import re

import yaml
from huggingface_hub import RepoCard

from lighteval_r1.hub.published import PublishedRun
from lighteval_r1.hub.rows import ONCE, SCHEMA
from lighteval_r1.records import UserError

# Arrow's names of types as a card says them, where it says them otherwise.
DTYPES = {"double": "float64"}
NO_METADATA = "---\n\n---\n"
BEGIN, END = "<!-- runs of lighteval-r1: rewritten at each upload -->", "<!-- end of the runs -->"
CARD_HEADERS = ("config", "split", "model", "problems", "samples", "pass@1 %", "settings")

INTRODUCTION = """# Evaluation details

Replies of reasoning models to benchmark problems, sampled several times per problem and graded with lighteval-r1.
Each config is a task, each split a run; `latest` is the newest run of the task.

```python
from datasets import load_dataset

rows = load_dataset("{repo}", "{config}", split="latest")
```

One row is one sample: `problem_id`, `sample_index`, `prompt`, `reply` (as the model wrote it), `answer`
(what was extracted), `gold`, `outcome` (correct, wrong, no_answer, undecided),
`no_answer_reason`, `answer_in_thinking`, `finish_reason`, `n_tokens`, `seed`.
`split` says where the reply thinks and where it answers: in "0:812|820:1400", `reply[0:812]` is thinking and
`reply[820:1400]` the answer text; without a bar its thinking never ended.
Columns ending in `_sha256` hold hashes of the texts; where a data set's authors ask not to show its questions, they
stand alone.
What LightEval says of a problem as a whole, `metric` and `details`, stands as JSON in the problem's first row.
`lighteval/` holds LightEval's results as they were written.

Anyone can check a number: `lighteval-r1 score hf://datasets/{repo} --task {config}` grades the replies again.
"""


def merged_card(text: str | None, published: PublishedRun, *, repo: str) -> str:
    """The card with this run in it. text: the card that is there, None where there is none."""
    card = read_card(text)
    entries = card.data.get("configs", [])
    by_name = {entry.get("config_name", "default"): entry for entry in entries if isinstance(entry, dict)}
    card.data["dataset_info"] = with_columns(card.data.get("dataset_info") or [], published, known=set(by_name))
    for config in published.configs:
        by_name[config] = with_run(by_name.get(config, {}), config, published.split)
    card.data["configs"] = [by_name[name] for name in sorted(by_name)]
    card.data["tags"] = sorted({*card.data.get("tags", []), "lighteval-r1", "evaluation"})
    body = card.text.strip() or INTRODUCTION.format(repo=repo, config=published.configs[0])
    before, lines, after = read_table(body)
    lines |= {line[:2]: line for line in published.lines}
    table = "\n".join([BEGIN, markdown_table([lines[key] for key in sorted(lines)]), END])
    card.text = "\n" + "\n\n".join(part for text in (before, table, after) if (part := text.strip())) + "\n"
    return str(card)


def read_card(text: str | None) -> RepoCard:
    """The card as its metadata and its text; an empty one where there is none. UserError where it cannot be read."""
    text = text or ""
    try:
        # The library warns of a card that has no metadata at all.
        return RepoCard(text if text.lstrip().startswith("---") else NO_METADATA + text)
    except (yaml.YAMLError, ValueError, TypeError) as error:
        raise UserError(
            f"the README.md in the repository has metadata that cannot be read ({' '.join(str(error).split())}). "
            "Mend it there."
        ) from None


def with_run(entry: dict, config: str, split: str) -> dict:
    """A config's entry with the run in it; its split `latest` is the newest run's."""
    files = entry.get("data_files") or []
    # The Hub also takes one path, or several, that name no split.
    named = all(isinstance(file, dict) for file in files)
    paths = {file.get("split", "train"): file["path"] for file in files} if named else {"train": files}
    paths[split] = f"rows/{config}/{split}.parquet"
    # Our splits begin with their date.
    paths["latest"] = paths[max(name for name in paths if name[:1].isdigit())]
    data_files = [{"split": name, "path": paths[name]} for name in ("latest", *sorted(set(paths) - {"latest"}))]
    return {**entry, "config_name": config, "data_files": data_files}


def with_columns(info: list | dict, published: PublishedRun, *, known: set[str]) -> list[dict]:
    """The columns of every config, all that its runs have: load_dataset refuses splits of other columns else.

    known: configs that are there. Those that name no columns were pushed when rows had the thinking, too.
    """
    # The Hub also takes one config's columns without a list.
    entries = [info] if isinstance(info, dict) else info
    by_name = {entry.get("config_name", "default"): entry for entry in entries}
    ours = {column.name: DTYPES.get(str(column.type), str(column.type)) for column in SCHEMA}
    for config in published.configs:
        entry = by_name.get(config, {"config_name": config})
        features = {feature["name"]: feature for feature in entry.get("features") or []}
        added = ours | (ONCE if config in known and not features else {})
        features |= {name: {"name": name, "dtype": dtype} for name, dtype in added.items() if name not in features}
        by_name[config] = {**entry, "features": list(features.values())}
    return [by_name[name] for name in sorted(by_name)]


def read_table(body: str) -> tuple[str, dict[tuple[str, ...], tuple[str, ...]], str]:
    """Text before the table, its lines by config and split, text after."""
    before, begin, rest = body.partition(BEGIN)
    if not begin:
        return body, {}, ""
    table, _, after = rest.partition(END)
    lines = {}
    for text in table.strip().splitlines()[2:]:
        cells = tuple(cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", text)[1:-1])
        if len(cells) == len(CARD_HEADERS):
            lines[cells[:2]] = cells
    return before, lines, after


def markdown_table(lines: list[tuple[str, ...]]) -> str:
    rule = tuple("---" for _ in CARD_HEADERS)
    return "\n".join(f"| {' | '.join(map(cell_text, line))} |" for line in (CARD_HEADERS, rule, *lines))


def cell_text(text: str) -> str:
    """Inert in a table: one line, no bar, no HTML."""
    return re.sub(r"\s+", " ", text).replace("<", "‹").replace("|", "\\|")
