"""`python -m preflight` and the `preflight` command."""

import sys


def main() -> None:
    """Run the command line; Ctrl-C ends it with 130 also while it is still starting."""
    try:
        from preflight.cli import main as run

        run()
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
