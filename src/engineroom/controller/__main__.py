"""`python -m engineroom.controller` is `ipcontroller`."""

import sys

from engineroom.cli.ipcontroller import main

sys.exit(main())
