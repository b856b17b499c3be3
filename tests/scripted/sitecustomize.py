"""With this folder on PYTHONPATH every replica of vLLM is the one of scripted_replica.py, which starts at once.

SCRIPTED_DELAY_S: how long each of its replies takes. SCRIPTED_BUT_FIRST: a file that the first replica makes, which is real.
"""

import os
import sys


def first() -> bool:
    try:
        os.close(os.open(os.environ.get("SCRIPTED_BUT_FIRST", "/"), os.O_CREAT | os.O_EXCL))
    except OSError:
        return False
    return True


if sys.orig_argv[1:3] == ["-m", "lighteval_r1.engines.replica"] and not first():
    # every other Python process that has this folder pays for none of these
    import asyncio
    import contextlib

    sys.path.append(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    import scripted_replica

    with contextlib.suppress(ConnectionError):
        asyncio.run(scripted_replica.main(int(sys.orig_argv[3])))
    # before the replica itself would begin
    os._exit(0)
