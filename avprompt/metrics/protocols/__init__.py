"""The protocols of the field, one a file, each with the rule that its name stands for."""
