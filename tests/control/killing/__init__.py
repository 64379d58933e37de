"""A real control process that is killed again and again, and people who use it meanwhile."""
