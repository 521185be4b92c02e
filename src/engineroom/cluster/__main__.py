"""`python -m engineroom.cluster` is `ipcluster`."""

import sys

from engineroom.cli.ipcluster import main

if __name__ == "__main__":
    sys.exit(main())
