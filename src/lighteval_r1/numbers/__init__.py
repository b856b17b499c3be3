"""Numbers from scores: estimates with their errors, differences between runs, published numbers beside ours, tables.

Comes in: arrays of scores and counts. Knows no file, no engine and no LightEval.
"""
