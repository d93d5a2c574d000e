"""`python -m canario.cli`."""

import sys

from canario.cli.command import main

if __name__ == "__main__":
    sys.exit(main())
