"""The shell around the rules: store, media node, timers, secrets."""
