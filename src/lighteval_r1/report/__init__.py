"""What people look at: the page, its pictures, the comparison of runs, and logs for Inspect's viewer.

Comes in: runs as runs/ reads them, and how they think. Computes no score of its own.
"""
