"""The media node: forwards the media of two-party rooms, measures it and reports."""
