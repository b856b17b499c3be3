"""Any run as one table, Run -> tasks -> problems -> samples, from a journal, LightEval's details, JSONL or Hub rows.

Comes in: files. What a run does not say is None in its samples and named in Run.missing.
"""
