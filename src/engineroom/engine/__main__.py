"""`python -m engineroom.engine` is `ipengine`; with `--config-json-on-stdin` it is what a spawner starts."""

import sys

if __name__ == "__main__":
    if sys.argv[1:] == ["--config-json-on-stdin"]:
        from engineroom.engine.app import main
    else:
        from engineroom.cli.ipengine import main
    sys.exit(main())
