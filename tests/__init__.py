"""The tests: they mirror the tree, file for file.

This file makes `tests` a regular package, so that `python -m tests.bench` and
`pytest_plugins` find this folder and never a package of the same name that some
dependency installed. Folders below are namespace packages and need no such file.
"""
