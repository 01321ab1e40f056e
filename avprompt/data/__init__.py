"""Tools for the data of benchmarks: what there is, whether it is whole, making it, leaks, floors, shards."""
