"""The demo: a tiny model that ships with the package, the problems it is evaluated on, and the script that made it."""
