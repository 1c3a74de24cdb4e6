"""kokuho-audit: from a month's delivered claim files to ranked worklists."""

__version__ = "0.1.0"
