"""The toy world: procedural scenes and sounds with exact masks, made on the fly."""
