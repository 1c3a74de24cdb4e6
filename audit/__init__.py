"""kokuho-audit: from a month's delivered claim files to ranked worklists."""

import os

__version__ = "0.1.0"

# polars' allocator gives memory back at once and asks for it again with the next step: keeping it for ten seconds saves a
# tenth of the time of large deliveries. Read when polars is first imported; what the environment says goes first.
os.environ.setdefault("_RJEM_MALLOC_CONF", "background_thread:true,dirty_decay_ms:10000,muzzy_decay_ms:10000")
