"""``python -m rodrun``."""

from rodrun.command_line import main

main()
