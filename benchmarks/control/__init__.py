"""What control carries: cycles, commands, idle pages and deadlines (``python -m``)."""
