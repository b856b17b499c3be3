"""What every room shares that meets the outside: files read from the Hub, when a failed request is tried again, words
of others on their way to a terminal or a file, records of files on their way to our nouns, and what an import of theirs
leaves out.

Nothing here writes on another machine.
"""
