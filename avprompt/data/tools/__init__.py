"""What a person does with a benchmark's files before training: check, prepare, pack, look for leaks."""
