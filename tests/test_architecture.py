"""The table of who may import whom, held against the imports."""

import ast
from pathlib import Path

SRC = Path(__file__).resolve().parents[1] / "src" / "lighteval_r1"

# module (or package) -> what of ours it may import, besides records
MAY_IMPORT = {
    "records": set(),
    "graders": {"graders", "programs"},
    "programs": {"programs", "processes"},
    "processes": set(),
    "engines": {"engines"},
    "journal": set(),
    "pool": {"graders", "grading_worker", "processes"},
    "grading_worker": {"graders"},
    "estimates": set(),
    "baselines": {"estimates"},
    "outputs": set(),
    "runs": set(),
    "locate": set(),
    "details_file": {"runs"},
    "details": {"runs", "locate", "details_file"},
    "pairing": {"details", "baselines"},
    "scored_runs": {"details", "pairing", "baselines"},
    "compare": {"details", "pairing", "scored_runs", "estimates", "baselines", "tables", "figures", "outputs"},
    "holdings": {"journal", "tables"},
    "schedule": {"engines"},
    "tasks": {"tasks", "graders", "demo"},
    "thinking": {"thinking", "graders", "details", "estimates", "summary", "pool", "journal", "tables", "figures", "page", "report", "outputs"},
}
# outside package -> the only modules that may import it
ALONE = {
    "lighteval": {"plugin", "seam"},
    "typer": {"cli"},
    "vllm": {"engines"},
    "openai": {"engines", "thinking", "judge"},
    "httpx2": {"engines"},
    "math_verify": {"graders"},
    "sympy": {"graders"},
    "jinja2": {"page"},
    "inspect_ai": {"view"},
}


def imports_of(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def modules() -> list[tuple[str, Path]]:
    return [(path.relative_to(SRC).parts[0].removesuffix(".py"), path) for path in SRC.rglob("*.py")]


def test_modules_import_only_what_the_table_allows():
    wrong = []
    for module, path in modules():
        ours = {name.split(".")[1] for name in imports_of(path) if name.startswith("lighteval_r1.")}
        extra = ours - MAY_IMPORT.get(module, ours) - {"records", "__version__"}
        wrong += [f"{path.relative_to(SRC)} imports {name}" for name in extra]
    assert not wrong


def test_each_outside_package_has_one_home():
    wrong = []
    for module, path in modules():
        outside = {name.split(".")[0] for name in imports_of(path)}
        wrong += [f"{path.relative_to(SRC)} imports {name}" for name in outside & set(ALONE) if module not in ALONE[name]]
    assert not wrong


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
