"""`python -m preflight` and the `preflight` command."""

from preflight.cli import main

if __name__ == "__main__":
    main()
