"""`python -m engineroom.engine`."""

import sys

from engineroom.engine.app import main

if __name__ == "__main__":
    sys.exit(main())
