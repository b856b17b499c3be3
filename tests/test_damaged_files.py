"""Files of runs that were cut off, edited or changed in a bit: each command reads them or refuses in one line."""

import json
import random
import shutil
from pathlib import Path

import pyarrow
import pyarrow.parquet as parquet
import pytest
import soak

from lighteval_r1.sampling.journal_files import decode_line, encode_line

HERE = Path(__file__).parent
DATE = "2026-11-20T10-00-00.000001"
# What may stand where something else did, and what stands in no such file.
VALUES = (
    *(None, "", "x", -1, 0, 1, 2.5, float("nan"), 1e308, 10**30, True),
    *([], {}, [1], ["a"], {"a": 1}, "9" * 3000, "\ud800", "../x"),
)


def journal(folder: Path) -> Path:
    shutil.copytree(HERE / "recorded" / "journals", folder)
    return folder


def under_way(folder: Path) -> Path:
    """An output folder whose run has written no results yet."""
    journals = [str(path.parent) for path in journal(folder / "cache").rglob("settings.json")]
    (folder / "journals.json").write_text(json.dumps(journals))
    return folder


def details(folder: Path) -> Path:
    shutil.copytree(HERE / "recorded" / "push", folder)
    return folder


def pushed_rows(folder: Path) -> Path:
    for path in details(folder).rglob("details_*.parquet"):
        path.unlink()
    return folder


def plain(folder: Path) -> Path:
    folder.mkdir()
    shutil.copy(HERE / "lighteval_run" / "results.json", folder / f"results_{DATE}.json")
    shutil.copy(HERE / "lighteval_run" / "details.parquet", folder / f"details_plain_sums|0_{DATE}.parquet")
    return folder


def graded(folder: Path) -> Path:
    shutil.copytree(HERE / "recorded" / "scored", folder)
    return folder / "replies.jsonl"


def replies(folder: Path) -> Path:
    shutil.copytree(HERE / "recorded" / "replies", folder)
    return folder


def places(value: object, place: tuple = ()) -> list[tuple]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place, *(found for name, part in inner for found in places(part, (*place, name)))]


def changed(record: object, rng: random.Random) -> object:
    """With one value replaced by another, or left out."""
    place = rng.choice(places(record))
    if not place:
        return rng.choice(VALUES)
    owner = record
    for name in place[:-1]:
        owner = owner[name]
    if rng.random() < 0.25:
        del owner[place[-1]]
    else:
        owner[place[-1]] = rng.choice(VALUES)
    return record


def changed_line(line: bytes, rng: random.Random) -> bytes:
    """Of a journal with its checksum made anew, as a program that means it well would."""
    record = decode_line(line)
    if record is None:
        return json.dumps(changed(json.loads(line), rng)).encode() + b"\n"
    record = changed(record, rng)
    return encode_line(record if isinstance(record, dict) else {"value": record})


def changed_table(table: pyarrow.Table, rng: random.Random) -> pyarrow.Table:
    at = rng.randrange(table.num_columns)
    name = table.column_names[at]
    rows = table.to_pylist()
    ways = [
        lambda: table.drop_columns([name]),
        lambda: table.set_column(at, name, pyarrow.array([None] * len(rows))),
        lambda: table.set_column(at, name, pyarrow.array(["x"] * len(rows))),
        lambda: table.slice(0, 0),
        lambda: pyarrow.concat_tables([table, table]),
        *[lambda: pyarrow.Table.from_pylist([changed(rows[0], rng), *rows[1:]])] * 3,
    ]
    try:
        return rng.choice(ways)()
    except (pyarrow.ArrowException, ArithmeticError, AttributeError, TypeError, ValueError):
        return table.slice(0, 1)  # what Arrow cannot hold stands in no such file


def damage(path: Path, rng: random.Random) -> None:
    content = path.read_bytes()
    way = rng.random()
    if way < 0.25:
        flipped = bytearray(content)
        flipped[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
        cut = content[: rng.randrange(len(content))]
        path.write_bytes(rng.choice([b"", cut, bytes(flipped)]))
    elif way < 0.3:
        path.unlink()
        if rng.random() < 0.5:
            path.mkdir()
    elif path.suffix == ".json":
        path.write_text(json.dumps(changed(json.loads(content), rng)))
    elif path.suffix == ".jsonl":
        lines = content.splitlines(keepends=True)
        at = rng.randrange(len(lines))
        path.write_bytes(b"".join([*lines[:at], changed_line(lines[at], rng), *lines[at + 1 :]]))
    elif path.suffix == ".parquet":
        parquet.write_table(changed_table(parquet.read_table(path), rng), path)


@pytest.mark.soak("damage")
@pytest.mark.timeout(120 + soak.count("damage"))
@pytest.mark.parametrize("made", [journal, under_way, details, pushed_rows, plain, graded, replies])
def test_a_damaged_file_is_read_or_refused_in_one_line(tmp_path, main, made):
    rng = random.Random(f"{made.__name__} {soak.count('damage')}")
    for number in range(soak.count("damage")):
        folder = tmp_path / str(number)
        source = made(folder)
        kinds = (".json", ".jsonl", ".parquet")
        damaged = rng.choice(sorted(path for path in folder.rglob("*") if path.suffix in kinds))
        damage(damaged, rng)
        commands = [("results", source), ("compare", source, source, "--partial"), ("report", folder, "--partial")]
        if made is replies:
            commands = [("score", damaged, "--task", "demo_sums")]
        for command in commands:
            more = ("--output", tmp_path / "page.html") if command[0] == "report" else ()
            code, said, refused = main(*command, *more)
            last = refused.splitlines()[-1:]
            assert code == 0 or (code in (2, 3) and last and last[0].startswith("lighteval-r1: ")), (number, command)
            assert "nan" not in said, (number, damaged)
        shutil.rmtree(folder)
