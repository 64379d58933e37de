"""Our worker beside other forwarders, with the same load, on the same path, in the same run."""
