"""Telling the platform what happened, by signed HTTP requests (Standard Webhooks)."""
