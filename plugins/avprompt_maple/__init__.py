"""MaPLe: learned prompts in both towers, coupled, to set beside SouPLe's."""

from avprompt.plugin import Register, hookimpl


@hookimpl
def register_prompts(register: Register) -> None:
    register("maple", "avprompt_maple.prompt:MaPLePrompt")


@hookimpl
def register_methods(register: Register) -> None:
    register("maple", "avprompt_maple:maple.yaml")
