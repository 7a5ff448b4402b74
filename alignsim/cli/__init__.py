"""The command line: parse, call, print, save. One file a command.

Whatever is wrong with the input is said on one line of standard error, with exit code 2. Output
files are written beside their place and renamed, so that a failed run leaves none half-written.
"""

from alignsim.cli.app import app, main

__all__ = ["app", "main"]
