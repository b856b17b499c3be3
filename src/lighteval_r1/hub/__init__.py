"""The Hub: a run's rows and files pushed in one commit, its card, and scores proposed to a model's repository.

Comes in: runs as runs/ reads them. Writes through huggingface_hub; nothing below writes there.
"""
