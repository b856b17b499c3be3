"""The house held against its imports: which room may import which, and which room alone may import an outside package."""

import ast
from pathlib import Path

SRC = Path(__file__).resolve().parents[1] / "src" / "lighteval_r1"

# room -> the rooms that it may import, besides records; what does not stand here is not allowed
MAY_IMPORT = {
    "outside": set(),
    "confined": {"outside"},
    "graders": {"outside", "confined"},
    "tasks": {"graders", "confined", "outside"},
    "numbers": {"graders", "outside"},
    "engines": {"graders", "outside"},
    "sampling": {"graders", "confined", "engines", "numbers", "tasks", "outside"},
    "runs": {"graders", "confined", "tasks", "sampling", "numbers", "outside"},
    "thinking": {"graders", "sampling", "numbers", "runs", "engines", "outside"},
    "report": {"graders", "numbers", "runs", "thinking", "outside"},
    "hub": {"graders", "numbers", "runs", "tasks", "outside"},
    "plugin": {"graders", "tasks", "engines", "sampling", "numbers", "outside"},
    "slurm": {"engines", "outside"},
    "cli": {
        "graders", "tasks", "engines", "sampling", "numbers", "runs", "thinking", "report", "hub", "plugin", "slurm", "demo",
        "outside", "confined",
    },
    "demo": {"tasks"},
    "callbacks": {"slurm"},
    "ray_nodes": set(),
    "records": set(),
    "__init__": set(),
    "__main__": {"cli", "outside"},
}  # fmt: skip
# outside package -> the only rooms that may import it
ALONE = {
    "lighteval": {"plugin"},
    "typer": {"cli", "plugin"},
    "vllm": {"engines"},
    "openai": {"engines"},
    "httpx2": {"engines"},
    "huggingface_hub": {"hub", "outside"},
    "tenacity": {"outside"},
    "msgspec": {"outside", "records"},
    "scipy": {"numbers"},
    "math_verify": {"graders"},
    "sympy": {"graders"},
    "jinja2": {"report", "engines"},
    "matplotlib": {"report"},
    "inspect_ai": {"report", "runs"},
}
MOST_LINES = 350
MOST_FUNCTION_LINES = 50
MOST_ROOT_MODULES = 4


def imports_of(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def modules() -> list[tuple[str, Path]]:
    return [(path.relative_to(SRC).parts[0].removesuffix(".py"), path) for path in sorted(SRC.rglob("*.py"))]


def test_rooms_import_only_what_the_table_allows():
    wrong = []
    for room, path in modules():
        ours = {name.split(".")[1] for name in imports_of(path) if name.startswith("lighteval_r1.")}
        extra = ours - MAY_IMPORT[room] - {room, "records", "__version__"}
        wrong += [f"{path.relative_to(SRC)} imports {name}" for name in sorted(extra)]
    assert not wrong, "\n".join(wrong)


def test_no_two_rooms_import_each_other():
    both = [(a, b) for a, rooms in MAY_IMPORT.items() for b in rooms if a in MAY_IMPORT[b]]
    assert not both


def test_each_outside_package_has_one_home():
    wrong = []
    for room, path in modules():
        outside = {name.split(".")[0] for name in imports_of(path)}
        homeless = [name for name in sorted(outside & set(ALONE)) if room not in ALONE[name]]
        wrong += [f"{path.relative_to(SRC)} imports {name}" for name in homeless]
    assert not wrong, "\n".join(wrong)


def test_modules_can_be_read_in_a_sitting_and_functions_on_a_screen():
    long = []
    for _, path in modules():
        text = path.read_text()
        if text.count("\n") > MOST_LINES:
            long.append(f"{path.relative_to(SRC)}: {text.count(chr(10))} lines")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = node.end_lineno - node.lineno + 1
                if lines > MOST_FUNCTION_LINES:
                    long.append(f"{path.relative_to(SRC)}: {node.name}, {lines} lines")
    assert not long, "\n".join(long)


def test_the_root_holds_rooms():
    roots = [path for _, path in modules() if path.parent == SRC and path.name != "__init__.py"]
    assert len(roots) <= MOST_ROOT_MODULES, roots


def test_a_room_says_what_lives_in_it():
    folders = {path.parent for _, path in modules() if path.parent != SRC}
    silent = [
        folder.name for folder in folders if not ast.get_docstring(ast.parse((folder / "__init__.py").read_text()))
    ]
    assert not silent


def test_modules_and_classes_do_not_hide_behind_empty_names():
    empty = {"utils", "helpers", "common", "core", "base", "misc", "manager", "handler", "factory", "service"}
    names = {path.stem.lower() for _, path in modules()}
    names |= {
        node.name.lower()
        for _, path in modules()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ClassDef)
    }
    assert not names & empty


def test_no_line_is_longer_than_a_screen():
    """The linter lets pass what holds no space, as a pattern does."""
    long = [
        f"{path.name}:{number}"
        for path in SRC.rglob("*.py")
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if len(line) > 120
    ]
    assert not long, long
