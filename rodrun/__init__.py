"""The command line, and ``serve``: everything in one process."""
