"""What every room that asks another machine shares: files read from the Hub, and when a failed request is tried again.

Nothing here writes on another machine.
"""
