"""``python -m alignsim`` is the command ``alignsim``."""

from alignsim.cli import main

if __name__ == "__main__":
    main()
