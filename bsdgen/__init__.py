"""bsdgen: learn a CPU's logic as a Boolean circuit from recorded traces."""

import hashlib
import os
from pathlib import Path

__version__ = "0.1.0"


def _configure_kernels() -> None:
    """Keep compiled kernels apart by the sources of all of them, and idle threads asleep.

    numba recompiles a kernel when its own file changes, not when a file whose kernels it inlines does:
    without this an update could go on with half of the old code. Threads that spin while they wait make small
    batches slow on a busy machine. Both must be set before numba is imported; a user's own settings win.
    """
    root = Path(__file__).parent
    sources = [path.read_bytes() for path in sorted(root.rglob("*.py"))]
    digest = hashlib.sha256(b"".join(text for text in sources if b"njit" in text)).hexdigest()
    if os.access(root, os.W_OK):
        os.environ.setdefault("NUMBA_CACHE_DIR", str(root / "__pycache__" / f"kernels-{digest[:12]}"))
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")


_configure_kernels()
