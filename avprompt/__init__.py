"""avprompt: a modular plugin toolkit for audio-visual prompt learning."""

__version__ = "0.1.0"
