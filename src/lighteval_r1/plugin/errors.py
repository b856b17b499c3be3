"""How LightEval's own command ends where this package cannot go on."""

from functools import wraps

from lighteval_r1.outside.words import ended_by
from lighteval_r1.records import Failure


def plain_errors(function):
    """A Failure ends LightEval with its line and exit code, not with a traceback."""

    @wraps(function)
    def plain(*args, **kwargs):
        try:
            return function(*args, **kwargs)
        except Failure as failure:
            raise ended_by(failure) from None

    return plain
