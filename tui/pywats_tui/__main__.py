"""`python -m pywats_tui`: the same as `pywats-client tui`."""

import sys

from pywats_client.cli.main import main

if __name__ == "__main__":
    sys.argv[1:1] = ["tui"]
    main()
