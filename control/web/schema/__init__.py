"""The JSON of the API, as types. /openapi.json is made from these."""
