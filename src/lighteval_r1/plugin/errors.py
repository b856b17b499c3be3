"""This package as LightEval 0.13 sees it; with plugin.py, the only place where LightEval's words (Doc, ModelResponse,
metric) appear."""

from functools import wraps

from lighteval_r1.records import EngineError, UserError


def plain_errors(function):
    """A user's mistake ends LightEval with one line, not with a traceback."""

    @wraps(function)
    def plain(*args, **kwargs):
        try:
            return function(*args, **kwargs)
        except (UserError, EngineError) as error:
            raise SystemExit(f"lighteval-r1: {error}") from None

    return plain
