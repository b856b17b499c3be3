"""Notes which functions of lighteval_r1 run, in every Python process that has this folder in PYTHONPATH.

Each function of the package gets a first statement that notes it, once, in $TRACE_FOLDER/<pid>.txt: "file\tfunction". So
threads, forks and processes that end by SIGKILL are noted too, and what is not ours runs at its own speed.
"""

import ast
import builtins
import os
import sys
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader

FOLDER = os.environ.get("TRACE_FOLDER", "")
PACKAGE = "lighteval_r1"
noted: set[tuple[int, str]] = set()


def note(line: str) -> None:
    mark = (os.getpid(), line)
    if mark not in noted:
        noted.add(mark)
        with open(os.path.join(FOLDER, f"{mark[0]}.txt"), "a", encoding="utf-8") as out:
            out.write(line + "\n")


class Noting(ast.NodeTransformer):
    def __init__(self, path: str) -> None:
        self.path = path

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        self.generic_visit(node)
        line = f"{self.path}\t{node.name}"
        call = ast.parse(f"__note__({line!r})").body[0]
        # behind the docstring, which stays the first statement
        node.body.insert(1 if ast.get_docstring(node) is not None else 0, call)
        return node

    visit_AsyncFunctionDef = visit_FunctionDef


class Loader(SourceFileLoader):
    def get_code(self, fullname: str):
        """Compiled here: the cached bytecode notes nothing, and must not begin to."""
        path = self.get_filename(fullname)
        tree = Noting(path).visit(ast.parse(self.get_data(path), path))
        return compile(ast.fix_missing_locations(tree), path, "exec", dont_inherit=True)


class Finder(MetaPathFinder):
    def find_spec(self, fullname: str, path=None, target=None) -> ModuleSpec | None:
        if fullname.partition(".")[0] != PACKAGE:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and isinstance(spec.loader, SourceFileLoader):
            spec.loader = Loader(fullname, spec.loader.path)
        return spec


if FOLDER:
    builtins.__note__ = note
    with open(os.path.join(FOLDER, f"{os.getpid()}.command"), "w", encoding="utf-8") as out:
        out.write("\n".join(sys.orig_argv))
    sys.meta_path.insert(0, Finder())
