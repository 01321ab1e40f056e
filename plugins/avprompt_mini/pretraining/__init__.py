"""How the miniature encoders were pretrained on the toy world; nothing here runs in a method."""
