"""`python -m avprompt`, which is what launchers start: `accelerate launch -m avprompt run ...`."""

import os

# DDP would warn every process that each of its parameters is used, which depends on the method.
os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")

from avprompt.cli import main

if __name__ == "__main__":
    main(prog_name="avprompt")
