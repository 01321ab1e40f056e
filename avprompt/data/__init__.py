"""From a benchmark's files to the inputs of a method."""
