"""Runs programs that a model wrote: a warm, confined server forks a process for each test, which runs nothing else.

    graders.program ─► runner, connection (in a grading process) ─► server (started clean, one thread) ─► child (a test)

The server and its children know the program and the input of a test, never the expected output: that stays with the
grader. Program, input and output travel as file descriptors, so that nothing of one program lies in the server's memory
when the next is forked.
"""
