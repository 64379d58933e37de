"""How fast the parts are, and the whole beside its peers. Each module runs by ``python -m``."""
