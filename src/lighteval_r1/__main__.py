"""The command lighteval-r1, also where nothing that it needs is installed yet: then it prints the pinned sets."""

import sys

from lighteval_r1.outside.shipped import pinned_set

FIRST = "`lighteval-r1 requirements gpu` (or cpu) prints the set to install with --no-deps; it needs nothing itself"


def main() -> None:
    try:
        from lighteval_r1.cli import main as command
    except ModuleNotFoundError as missing:
        if str(missing.name).startswith("lighteval_r1"):
            raise
        match sys.argv[1:]:
            case ["requirements", "gpu" | "cpu" as device]:
                print(pinned_set(device).read_text(encoding="utf-8"), end="")
            case _:
                print(f"lighteval-r1: the package {missing.name} is not installed. {FIRST}.", file=sys.stderr)
                sys.exit(2)
    else:
        command()


if __name__ == "__main__":
    main()
