"""A method at work: the interfaces of its parts, and the forward path through them."""
