"""``python -m bsdgen``: the same as the command ``bsdgen``."""

from bsdgen.cli.app import main

raise SystemExit(main())
