"""What frozen encoders have made of sounds and images, kept on disk: the same input is encoded once."""
