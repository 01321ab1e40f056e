"""`python -m avprompt`, which is what launchers start: `accelerate launch -m avprompt run ...`."""

from avprompt.cli import main

if __name__ == "__main__":
    main(prog_name="avprompt")
