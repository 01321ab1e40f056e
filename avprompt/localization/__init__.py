"""Where sounds come from in pictures and videos, and what is written of it."""
