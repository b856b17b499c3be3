"""`python -m lighteval_r1.cli`: the command, where no script is installed (jobs, callbacks)."""

from lighteval_r1.cli import main

main()
