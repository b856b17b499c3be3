"""Jobs on a cluster, and evaluations of checkpoints while a model is trained.

Comes in: options as the commands read them. Everything that a job reads lies in its own folder.
"""
