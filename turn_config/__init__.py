"""TURN for networks that let no UDP through: credentials that expire, coturn's settings as text."""
