"""SouPLe: the Meta-net, the bottleneck projection, the reference method, and our variants of it."""

from avprompt.plugin import Register, hookimpl


@hookimpl
def register_prompts(register: Register) -> None:
    register("metanet", "avprompt_souple.prompt:MetaNetPrompt")
    register("attention", "avprompt_souple.attention:AttentionPrompt")


@hookimpl
def register_projections(register: Register) -> None:
    register("bottleneck", "avprompt_souple.projection:BottleneckProjection")


@hookimpl
def register_methods(register: Register) -> None:
    register("souple", "avprompt_souple:souple.yaml")
    register("souple-words", "avprompt_souple:souple-words.yaml")
    register("souple-cross", "avprompt_souple:souple-cross.yaml")
    register("souple-attention", "avprompt_souple:souple-attention.yaml")
