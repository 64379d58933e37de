"""The page's modules, in Chromium."""
