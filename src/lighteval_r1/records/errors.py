"""Errors, with the exit code that they end a command with; what is printed is one line, never a traceback
  Failure
    UserError      2  what the user mends; the same command again ends in the same way
      NoTokenizer  2  a run's tokenizer is not at hand (thinking)
      OwedError   75  a score was asked for while samples are owed or ungraded
        Unfinished 2  the same, of a run that is only read: --partial, or the run's own command, mends it
      Refused      2  a server would refuse the same request again (engines)
      RefusedJob   2  Slurm took no job (slurm)
    EngineError   75  the engine cannot go on (a replica died); what was drawn is kept
    GraderDied    75  a grading process ended without a grade; the reply stays ungraded
75 is EX_TEMPFAIL of sysexits.h: the same command again goes on from there. Caught in their rooms, seen by nobody:
FailedTry (outside; a request that may succeed another time), NoStep (thinking; a judge that names no step),
ServerKilled (confined; another hand ended what runs programs), Unreadable, TooLarge, TooDeep and NoSet (graders; an
expression without a value, one that takes too long, or that is no set).
"""

MEND, AGAIN = 2, 75


class Failure(Exception):
    """Ends a command with one line on stderr and its exit code."""

    exit_code = MEND


class UserError(Failure):
    """What is so, with the value; then the way out."""


class OwedError(UserError):
    """Samples are owed or ungraded, so there is no score yet."""

    exit_code = AGAIN


class Unfinished(OwedError):
    """A run that is only read owes samples; reading it again changes nothing."""

    exit_code = MEND


class EngineError(Failure):
    """The engine cannot go on; everything drawn so far is in the journal."""

    exit_code = AGAIN


class GraderDied(Failure):
    """A grading process ended without giving a grade: the reply stays ungraded."""

    exit_code = AGAIN
