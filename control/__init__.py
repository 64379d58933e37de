"""The control plane: the rules of a consultation, the API, the page, placement of rooms."""
