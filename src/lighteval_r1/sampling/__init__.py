"""The loop: what is owed is drawn, what is drawn is graded, and all of it is journaled as it happens.

Comes in: problems and an engine. Comes out: a journal in which nothing is lost and nothing is drawn twice.
"""
