"""What every room shares that meets the outside: files read from the Hub, when a failed request is tried again, and
words of others on their way to a terminal or a file.

Nothing here writes on another machine.
"""
