"""`python -m audit.cli` is `kokuho-audit`."""

import sys

from audit.cli import main

sys.exit(main())
