"""tag-words: the class that the audio encoder names, put into words. Nothing is trained."""

from avprompt.plugin import Register, hookimpl


@hookimpl
def register_projections(register: Register) -> None:
    register("class-words", "avprompt_words.projection:ClassWordsProjection")


@hookimpl
def register_prompts(register: Register) -> None:
    register("class-words", "avprompt_words.prompt:ClassWordsPrompt")


@hookimpl
def register_methods(register: Register) -> None:
    register("tag-words", "avprompt_words:tag-words.yaml")
