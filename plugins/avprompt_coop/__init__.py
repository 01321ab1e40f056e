"""CoOp and CoCoOp: learned prompts to set beside SouPLe's."""

from avprompt.plugin import Register, hookimpl


@hookimpl
def register_prompts(register: Register) -> None:
    register("coop", "avprompt_coop.prompts:CoOpPrompt")
    register("cocoop", "avprompt_coop.prompts:CoCoOpPrompt")


@hookimpl
def register_methods(register: Register) -> None:
    register("coop", "avprompt_coop:coop.yaml")
    register("cocoop", "avprompt_coop:cocoop.yaml")
