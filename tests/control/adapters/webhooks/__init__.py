"""Webhooks: schedule, addresses, messages, one attempt, durable deliveries, the whole."""
