"""A prompt generator in one file: the words "a photo of a", each nudged by the image."""

from torch import nn

from avprompt.plugin import ContextPrompt, LearnedContextOptions, hookimpl, initial_context


class NudgedPrompt(ContextPrompt):
    Config = LearnedContextOptions

    def __init__(self, config, backbone):
        super().__init__(config, backbone)
        self.register_buffer("words", initial_context(config, backbone))
        self.nudge = nn.Linear(backbone.joint_width, self.words.numel())
        nn.init.zeros_(self.nudge.weight)
        nn.init.zeros_(self.nudge.bias)

    def context(self, image):
        return self.words + self.nudge(image.pooled).unflatten(-1, self.words.shape)


@hookimpl
def register_prompts(register):
    register("nudged", NudgedPrompt)
