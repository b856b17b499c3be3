"""A gold as a task makes it."""

import json


def gold(tests: list[tuple[str, str]], function: str | None = None) -> str:
    cases = [{"input": given, "output": expected} for given, expected in tests]
    return json.dumps({"fn_name": function, "public": json.dumps(cases[:1]), "private": json.dumps(cases[1:])})
