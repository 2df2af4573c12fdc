"""`python -m jwtmw` is the command `jwtmw`.

Owns: nothing.
Must never know: commands; `jwtmw.cli` does.
"""

from __future__ import annotations

import sys

from jwtmw.cli import main

if __name__ == "__main__":
    sys.exit(main())
