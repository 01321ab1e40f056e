"""The protocols of the field, each with the rule that its name stands for."""
