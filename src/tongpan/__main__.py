"""``python -m tongpan`` is the ``tongpan`` command."""

from tongpan.cli.main import main

if __name__ == "__main__":
    main()
