"""A grading process whose programs have 2 s of CPU time a test instead of 6."""

import sys

from lighteval_r1.confined.runner import Runner
from lighteval_r1.graders import program
from lighteval_r1.sampling import grading_worker

if __name__ == "__main__":
    # Kept in the place of the one that the grader would make.
    quick = Runner(limit_s=2)
    program.runner = lambda: quick
    grading_worker.main(int(sys.argv[1]))
